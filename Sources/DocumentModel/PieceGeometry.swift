// SPDX-License-Identifier: Apache-2.0

/// How a content of a given size is divided: blocks (the leaves of the Merkle tree) and pieces (what is scheduled and
/// what a have-map counts).
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

  package var blockCount: Int64 { Self.divideUp(size, Self.blockLength) }
  /// The number of leaves of the padded tree: the next power of two, 0 for empty content.
  package var paddedBlockCount: Int64 {
    guard blockCount > 1 else { return blockCount }
    return 1 << (Int64.bitWidth - (blockCount - 1).leadingZeroBitCount)
  }
  /// Layers above the leaves up to the root: 0 where one block is the whole tree.
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
