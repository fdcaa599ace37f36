// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineTransport
import TestSupport
import Testing

@Suite struct HandshakeTurnsTests {
  private func block(_ host: String) throws -> AddressBlock { AddressBlock(try #require(HostAddress(host))) }

  @Test func `handshakes beyond the total wait for one that ends`() throws {
    var turns = HandshakeTurns(limit: 2, limitOfBlock: 2)
    let (a, b) = (turns.enter(nil), turns.enter(try block("192.0.2.1")))
    #expect(a.begun == [a.number] && b.begun == [b.number])
    let c = turns.enter(nil)
    #expect(c.begun.isEmpty && turns.running == 2)
    #expect(turns.leave(a.number) == [c.number])
    #expect(turns.leave(c.number).isEmpty && turns.leave(b.number).isEmpty)
    #expect(turns.count == 0 && turns.running == 0)
  }

  @Test func `one address leaves room for others`() throws {
    var turns = HandshakeTurns(limit: 10, limitOfBlock: 2)
    let crowd = try (0..<5).map { _ in turns.enter(try block("192.0.2.1")) }
    #expect(crowd.map { !$0.begun.isEmpty } == [true, true, false, false, false])
    let other = turns.enter(try block("192.0.2.2"))
    #expect(other.begun == [other.number])
    #expect(turns.leave(other.number).isEmpty)
    #expect(turns.leave(crowd[0].number) == [crowd[2].number])
  }

  @Test func `a crowd of one address is in a hurry alone, until all places are taken`() throws {
    var turns = HandshakeTurns(limit: 3, limitOfBlock: 2)
    let crowd = try (0..<5).map { _ in turns.enter(try block("192.0.2.1")).number }
    let other = turns.enter(try block("192.0.2.2")).number
    #expect(crowd.allSatisfy { turns.isAwaited($0) })
    #expect(!turns.isAwaited(other))
    let third = turns.enter(try block("192.0.2.3"))
    #expect(third.begun.isEmpty)
    #expect(turns.isAwaited(other), "somebody waits for any of them")
    #expect(turns.leave(third.number).isEmpty)
    #expect(!turns.isAwaited(third.number))
  }

  @Test func `addresses take turns`() throws {
    var turns = HandshakeTurns(limit: 1, limitOfBlock: 1)
    let first = turns.enter(try block("192.0.2.1"))
    let crowd = try (0..<3).map { _ in turns.enter(try block("192.0.2.1")).number }
    let other = turns.enter(try block("192.0.2.2")).number
    var order = [UInt64]()
    var next = turns.leave(first.number)
    while let number = next.first {
      order.append(number)
      next = turns.leave(number)
    }
    #expect(order == [crowd[0], other, crowd[1], crowd[2]] || order == [other] + crowd)
    #expect(turns.count == 0)
  }

  @Test func `this machine is bounded by the total alone`() {
    var turns = HandshakeTurns(limit: 5, limitOfBlock: 1)
    #expect((0..<6).map { _ in turns.enter(nil).begun.count } == [1, 1, 1, 1, 1, 0])
  }

  @Test func `one that no longer waits does not begin`() {
    var turns = HandshakeTurns(limit: 1, limitOfBlock: 1)
    let (first, second, third) = (turns.enter(nil).number, turns.enter(nil).number, turns.enter(nil).number)
    #expect(turns.leave(second).isEmpty && turns.leave(second).isEmpty)
    #expect(turns.leave(first) == [third])
  }

  @Test(arguments: 1...5) func `every handshake begins once and no bound is exceeded`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var turns = HandshakeTurns(limit: 4, limitOfBlock: 2)
    let blocks = try [nil, block("192.0.2.1"), block("192.0.2.2"), block("2001:db8::1")]
    var places: [UInt64: AddressBlock?] = [:]
    var (running, begun) = (Set<UInt64>(), Set<UInt64>())
    func note(_ numbers: [UInt64]) {
      for number in numbers {
        #expect(begun.insert(number).inserted && places[number] != nil)
        running.insert(number)
      }
      #expect(running.count == turns.running && running.count <= 4)
      for block in blocks where block != nil {
        #expect(running.count { places[$0] == .some(block) } <= 2)
      }
    }
    for _ in 0..<2000 {
      if Bool.random(using: &random) || places.isEmpty {
        let block = blocks[Int.random(in: 0..<blocks.count, using: &random)]
        let (number, numbers) = turns.enter(block)
        places[number] = .some(block)
        note(numbers)
      } else if let number = places.keys.sorted().randomElement(using: &random) {
        let numbers = turns.leave(number)
        running.remove(number)
        places[number] = nil
        note(numbers)
      }
    }
    while let number = running.min() ?? places.keys.min() {
      #expect(begun.contains(number), "what is left in the end has had its turn")
      let numbers = turns.leave(number)
      running.remove(number)
      places[number] = nil
      note(numbers)
    }
    #expect(turns.count == 0 && turns.running == 0)
  }
}
