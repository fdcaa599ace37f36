// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import TestSupport
import Testing

@Suite struct PieceGeometryTests {
  @Test(
    arguments: [
      (0, 262_144, 0, 0), (1, 262_144, 1, 1), (16_384, 262_144, 1, 1), (16_385, 262_144, 2, 2),
      (5_000_001, 262_144, 306, 512), (1 << 30, 262_144, 65_536, 65_536), ((1 << 30) + 1, 524_288, 65_537, 131_072),
    ] as [(Int64, Int64, Int64, Int64)])
  func `sizes have blocks and pieces`(_ size: Int64, _ piece: Int64, _ blocks: Int64, _ padded: Int64) {
    let geometry = PieceGeometry(size: size)
    #expect(geometry.pieceLength == piece)
    #expect(geometry.blockCount == blocks)
    #expect(geometry.paddedBlockCount == padded)
    #expect(1 << geometry.rootLayer == max(padded, 1))
  }

  /// The smallest power of two from 256 KiB that gives at most 4096 pieces.
  @Test func `pieces are the smallest that are few enough`() {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<1000 {
      let size = Int64.random(in: 0...Content.maximumSize, using: &random) >> Int64.random(in: 0...40, using: &random)
      let length = PieceGeometry(size: size).pieceLength
      #expect(length.nonzeroBitCount == 1 && length >= PieceGeometry.smallestPiece)
      #expect(size <= length * PieceGeometry.maxPieces)
      #expect(length == PieceGeometry.smallestPiece || size > length / 2 * PieceGeometry.maxPieces)
    }
  }

  @Test func `blocks cover the content exactly`() {
    let geometry = PieceGeometry(size: 600_000)
    #expect(geometry.blockRange(0) == 0..<16_384)
    #expect(geometry.blockRange(36) == 589_824..<600_000)
    for index in [-1, 37, Int64.max, Int64.min] { #expect(geometry.blockRange(index).isEmpty) }
    let covered = (0..<geometry.blockCount).reduce(0) { $0 + geometry.blockRange($1).count }
    #expect(covered == 600_000)
    #expect(PieceGeometry(size: 16_384).blockRange(1).isEmpty)
    #expect(PieceGeometry(size: 0).blockRange(0).isEmpty)
  }

  @Test func `any size has a geometry`() {
    #expect(PieceGeometry(size: .max).size == Content.maximumSize)
    #expect(PieceGeometry(size: .max).paddedBlockCount == 1 << 39)
    #expect(PieceGeometry(size: .min).size == 0)
  }
}
