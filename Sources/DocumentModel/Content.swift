// SPDX-License-Identifier: Apache-2.0

/// The identity of the bytes of a file: the root of their Merkle tree **and** their number.
///
/// The root alone does not identify content: a 64-byte file made of two leaf hashes has the root of the file they
/// come from. Both are always carried and compared together.
package struct Content: Hashable, Sendable {
  /// The largest size that the wire carries: 2^53 − 1 bytes.
  package static let maximumSize: Int64 = (1 << 53) - 1
  /// The content of an empty file. Its root is 64 zeros (BEP 52 gives an empty file no root).
  package static let empty = Content(uncheckedRoot: .zero, size: 0)

  /// The SHA-256 Merkle root over 16 KiB blocks: BEP 52, "pieces root".
  package let root: Digest
  /// In bytes, 0…2^53 − 1.
  package let size: Int64

  /// `nil` if the size is out of range, or if only one of root and size is zero.
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
  /// By root, then by size: the order of contents under one key.
  package static func < (left: Content, right: Content) -> Bool {
    left.root == right.root ? left.size < right.size : left.root < right.root
  }
}

extension Content: CustomStringConvertible {
  package var description: String { "\(root) (\(size) bytes)" }
}

/// The division of a content into blocks (the leaves of the Merkle tree) and pieces (the unit of scheduling and of the
/// have-map).
package struct PieceGeometry: Hashable, Sendable {
  /// A block, the leaf of the tree: 16 KiB (BEP 52).
  package static let blockLength: Int64 = 16_384
  package static let smallestPiece: Int64 = 262_144
  package static let maxPieces: Int64 = 4_096

  /// In bytes, 0…2^53 − 1.
  package let size: Int64
  /// The smallest power of two from 256 KiB that gives at most 4,096 pieces.
  package let pieceLength: Int64

  /// - Parameter size: clamped to 0…2^53 − 1.
  package init(size: Int64) {
    self.size = min(max(size, 0), Content.maximumSize)
    var length = Self.smallestPiece
    while Self.divideUp(self.size, length) > Self.maxPieces { length *= 2 }
    pieceLength = length
  }

  package var pieceCount: Int64 { Self.divideUp(size, pieceLength) }
  package var blockCount: Int64 { Self.divideUp(size, Self.blockLength) }
  /// The number of leaves of the padded tree: the next power of two, 0 for empty content.
  package var paddedBlockCount: Int64 {
    guard blockCount > 1 else { return blockCount }
    return 1 << (Int64.bitWidth - (blockCount - 1).leadingZeroBitCount)
  }
  /// Layers above the leaves up to the root: 0 if one block is the whole tree.
  package var rootLayer: Int { paddedBlockCount.trailingZeroBitCount % Int64.bitWidth }

  /// The bytes of one block: shorter for the last, empty outside the content.
  package func blockRange(_ index: Int64) -> Range<Int64> {
    guard index >= 0, index <= size / Self.blockLength else { return size..<size }
    let start = min(index * Self.blockLength, size)
    return start..<min(start + Self.blockLength, size)
  }

  private static func divideUp(_ value: Int64, _ divisor: Int64) -> Int64 {
    value / divisor + (value % divisor == 0 ? 0 : 1)
  }
}
