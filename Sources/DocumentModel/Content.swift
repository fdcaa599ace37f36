// SPDX-License-Identifier: Apache-2.0

/// What the bytes of a file are: the root of their Merkle tree **and** their number.
///
/// The root alone does not identify content: a 64-byte file made of two leaf hashes has the root of the file that they
/// come from. So both are always carried and compared together.
package struct Content: Hashable, Sendable {
  /// The largest size that the wire carries: 2^53 − 1 bytes.
  package static let maximumSize: Int64 = (1 << 53) - 1
  /// The content of an empty file. Its root is 64 zeros (BEP 52 gives an empty file no root).
  package static let empty = Content(uncheckedRoot: .zero, size: 0)

  /// The SHA-256 Merkle root over 16 KiB blocks: BEP 52, "pieces root".
  package let root: Digest
  /// In bytes, 0…2^53 − 1.
  package let size: Int64

  /// `nil` where the size is out of range, or where the root of all zeros and the size 0 do not come together.
  package init?(root: Digest, size: Int64) {
    guard (0...Self.maximumSize).contains(size), (size == 0) == (root == .zero) else { return nil }
    self.init(uncheckedRoot: root, size: size)
  }

  private init(uncheckedRoot root: Digest, size: Int64) {
    self.root = root
    self.size = size
  }

  package var geometry: PieceGeometry { PieceGeometry(size: size) }
}

extension Content: Comparable {
  /// By root, then by size: the order in which contents stand under one key.
  package static func < (left: Content, right: Content) -> Bool {
    left.root == right.root ? left.size < right.size : left.root < right.root
  }
}

extension Content: CustomStringConvertible {
  package var description: String { "\(root) (\(size) bytes)" }
}
