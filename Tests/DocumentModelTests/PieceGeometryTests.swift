import DocumentModel
import Testing

@Suite struct PieceGeometryTests {
  @Test(
    arguments: [
      (0, 262_144, 0, 0, 0), (1, 262_144, 1, 1, 1), (16_384, 262_144, 1, 1, 1), (16_385, 262_144, 1, 2, 2),
      (5_000_001, 262_144, 20, 306, 512), (1 << 30, 262_144, 4096, 65_536, 65_536),
      ((1 << 30) + 1, 524_288, 2049, 65_537, 131_072),
    ] as [(Int64, Int64, Int64, Int64, Int64)])
  func divides(_ size: Int64, _ piece: Int64, _ pieces: Int64, _ blocks: Int64, _ padded: Int64) {
    let geometry = PieceGeometry(size: size)
    #expect(geometry.pieceLength == piece)
    #expect(geometry.pieceCount == pieces)
    #expect(geometry.blockCount == blocks)
    #expect(geometry.paddedBlockCount == padded)
    #expect(1 << geometry.rootLayer == max(padded, 1))
  }

  @Test func rangesCoverTheContentOnceAndNothingElse() {
    let geometry = PieceGeometry(size: 600_000)
    #expect(geometry.pieceRange(0) == 0..<262_144)
    #expect(geometry.pieceRange(2) == 524_288..<600_000)
    #expect(geometry.pieceRange(3).isEmpty)
    #expect(geometry.blockRange(-1).isEmpty)
    #expect(geometry.blockRange(Int64.max).isEmpty)
    let covered = (0..<geometry.blockCount).reduce(0) { $0 + geometry.blockRange($1).count }
    #expect(covered == 600_000)
  }

  @Test func theLargestContentStillHasAGeometry() {
    let geometry = PieceGeometry(size: .max)
    #expect(geometry.size == Content.maximumSize)
    #expect(geometry.pieceCount <= PieceGeometry.mostPieces)
  }
}
