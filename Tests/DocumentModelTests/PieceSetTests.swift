// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import TestSupport
import Testing

@Suite struct PieceSetTests {
  private static let counts = [0, 1, 7, 8, 9, 23, 24, 25, 63, 64, 65, 127, 128, 129, 1_000, 4_096]

  @Test(arguments: counts) func `random changes agree with a set of integers`(count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    var pieces = PieceSet(count: count)
    var model = Set<Int>()
    for _ in 0..<500 {
      let piece = Int.random(in: -3..<count + 3, using: &random)
      let isInside = piece >= 0 && piece < count
      switch Int.random(in: 0..<4, using: &random) {
      case 0: #expect(pieces.remove(piece) == (model.remove(piece) != nil))
      case 1:
        let end = piece + Int.random(in: 0..<20, using: &random)
        pieces.insert(piece..<end)
        model.formUnion((piece..<end).filter { $0 >= 0 && $0 < count })
      default: #expect(pieces.insert(piece) == (isInside && model.insert(piece).inserted))
      }
      #expect(pieces.contains(piece) == model.contains(piece))
    }
    check(pieces, model)
    var other = PieceSet(count: count)
    for _ in 0..<count / 2 { other.insert(Int.random(in: 0..<max(count, 1), using: &random)) }
    let others = Set((0..<count).filter(other.contains))
    check(pieces.union(other), model.union(others))
    check(pieces.intersection(other), model.intersection(others))
    check(pieces.subtracting(other), model.subtracting(others))
    check(pieces.inverted, Set(0..<count).subtracting(model))
    check(PieceSet(full: count), Set(0..<count))
  }

  private func check(_ pieces: PieceSet, _ model: Set<Int>) {
    let sorted = model.sorted()
    #expect(pieces.population == model.count)
    #expect(pieces.isEmpty == model.isEmpty)
    #expect(pieces.isFull == (model.count == pieces.count))
    #expect(pieces.ranges.flatMap { Array($0) } == sorted)
    var visited = [Int]()
    pieces.forEach { visited.append($0) }
    #expect(visited == sorted)
    for index in [-1, 0, 1, 62, 63, 64, pieces.count - 1, pieces.count, .max] {
      #expect(pieces.first(from: index) == sorted.first { $0 >= index })
      #expect(pieces.firstMissing(from: index) == (0..<pieces.count).first { $0 >= index && !model.contains($0) })
    }
    #expect(PieceSet(bytes: pieces.bytes, count: pieces.count) == pieces)
    #expect(PieceSet(base64: pieces.base64, count: pieces.count) == pieces)
  }

  @Test func `the first piece is the high bit`() {
    var pieces = PieceSet(count: 10)
    pieces.insert(0)
    pieces.insert(9)
    #expect(pieces.bytes == [0b1000_0000, 0b0100_0000])
    #expect(pieces.base64 == "gEA=")
    #expect(pieces.ranges == [0..<1, 9..<10])
  }

  @Test func `bytes of another length or with spare bits are refused`() {
    #expect(PieceSet(bytes: [0xFF], count: 8)?.isFull == true)
    #expect(PieceSet(bytes: [0xFF], count: 7) == nil)
    #expect(PieceSet(bytes: [0xFE], count: 7)?.isFull == true)
    #expect(PieceSet(bytes: [0xFF, 0], count: 8) == nil)
    #expect(PieceSet(bytes: [], count: 1) == nil)
    #expect(PieceSet(bytes: [], count: 0)?.isFull == true)
    #expect(PieceSet(bytes: [], count: -1) == nil)
    #expect(PieceSet(bytes: [UInt8](repeating: 0xFF, count: 8), count: 63) == nil)
  }

  @Test(arguments: ["", "gEA", "gEA==", "gE==", "g===", "gEB=", "====", "gE A", "gEA-", "gEA=gEA=", "\u{fc}EA="])
  func `text that is not the base64 of the pieces is refused`(text: String) {
    #expect(PieceSet(base64: text, count: 10) == nil)
  }

  @Test func `sets of different counts combine without a fault`() {
    var small = PieceSet(count: 10)
    small.formUnion(PieceSet(full: 200))
    #expect(small == PieceSet(full: 10))
    small.subtract(PieceSet(full: 3))
    #expect(small.ranges == [3..<10])
    var large = PieceSet(full: 200)
    large.formIntersection(PieceSet(full: 10))
    #expect(large.ranges == [0..<10])
    #expect(PieceSet(count: -5).isFull)
  }
}
