// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineTransport
import Synchronization
import TestSupport
import Testing

/// What all connections may hold together, and who loses it.
@Suite struct LineBudgetTests {
  private final class Evicted: Sendable {
    private let numbers = Mutex<[Int]>([])
    var all: [Int] { numbers.withLock { $0 } }
    func add(_ number: Int) { numbers.withLock { $0.append(number) } }
  }

  private func block(_ number: Int) throws -> AddressBlock {
    AddressBlock(try #require(HostAddress("192.0.2.\(number)")))
  }

  @Test func `oldest share of an address goes first when that address has too much`() throws {
    let budget = LineBudget(limit: 1000, limitOfBlock: 100)
    let evicted = Evicted()
    let blocks = try [block(1), block(2), block(1), block(1)]
    var shares = blocks.enumerated().map { number, block in
      LineBudgetShare(of: budget, block: block) { _ in evicted.add(number) }
    }
    for number in 0..<3 { shares[number].hold(LineBudget.free + 50) }
    #expect(evicted.all.isEmpty && budget.total == 150)
    shares[3].hold(LineBudget.free + 40)
    #expect(evicted.all == [0], "the other address is older than the next")
    shares[3].hold(LineBudget.free + 99)
    #expect(evicted.all == [0, 2] && budget.total == 149)
    shares[1].release()
    shares[3].release()
    #expect(budget.total == 0)
  }

  /// Any order of events: those who go are the oldest, by the plain rule, and nothing is left in the end.
  @Test(arguments: 0..<10 as Range<UInt64>)
  func `budget agrees with a plain list`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let budget = LineBudget(limit: 400, limitOfBlock: 200)
    let evicted = Evicted()
    let blocks = try [nil, block(1), block(2)]
    var plain = [(name: Int, block: AddressBlock?, bytes: Int)]()
    var shares: [Int: LineBudgetShare] = [:]
    var gone = [Int]()
    for name in 0..<600 {
      let isNew = plain.isEmpty || random.once(in: 3)
      switch (isNew, Int.random(in: 0..<4, using: &random)) {
      case (false, 0):
        let left = plain.remove(at: Int.random(in: 0..<plain.count, using: &random))
        shares[left.name]?.release()
        shares[left.name] = nil
      case (false, _):
        let place = Int.random(in: 0..<plain.count, using: &random)
        plain[place].bytes = Int.random(in: 1...150, using: &random)
        shares[plain[place].name]?.hold(LineBudget.free + plain[place].bytes)
        gone += Self.settle(&plain, changed: plain[place].block)
      case (true, _):
        let block = random.pick(blocks)
        let bytes = Int.random(in: 1...150, using: &random)
        var share = LineBudgetShare(of: budget, block: block) { _ in evicted.add(name) }
        plain.append((name, block, bytes))
        share.hold(LineBudget.free + bytes)
        shares[name] = share
        gone += Self.settle(&plain, changed: block)
      }
      #expect(evicted.all == gone)
      #expect(budget.total == plain.reduce(0) { $0 + $1.bytes })
    }
    for name in shares.keys { shares[name]?.release() }
    #expect(budget.total == 0)
  }

  /// Drops the oldest until the limits are kept.
  /// - Returns: their names.
  private static func settle(
    _ plain: inout [(name: Int, block: AddressBlock?, bytes: Int)], changed block: AddressBlock?
  ) -> [Int] {
    var dropped = [Int]()
    func drop(_ place: Int) { dropped.append(plain.remove(at: place).name) }
    while let block, plain.reduce(0, { $0 + ($1.block == block ? $1.bytes : 0) }) > 200,
      let oldest = plain.firstIndex(where: { $0.block == block })
    {
      drop(oldest)
    }
    while plain.reduce(0, { $0 + $1.bytes }) > 400 { drop(0) }
    return dropped
  }

  @Test func `list of ages gives the oldest whatever was removed`() {
    var random = SeededGenerator(seed: 3)
    var list = AgeList()
    var plain = [UInt64]()
    for number in 1...2000 as ClosedRange<UInt64> {
      list.append(number)
      plain.append(number)
      while plain.count > 20 || (!plain.isEmpty && random.once(in: 2)) {
        list.remove(plain.remove(at: Int.random(in: 0..<plain.count, using: &random)))
        list.remove(0)
      }
      #expect(list.oldest == plain.first && list.count == plain.count && list.isEmpty == plain.isEmpty)
    }
  }

  /// Ten thousand who hold a little, and a new one that goes beyond the limit each time.
  @Test(.timeLimit(.minutes(1))) func `eviction takes the same time with thousands of shares`() throws {
    let budget = LineBudget(limit: 10_000)
    let evicted = Evicted()
    var shares = (0..<30_000).map { number in LineBudgetShare(of: budget, block: nil) { _ in evicted.add(number) } }
    for number in shares.indices { shares[number].hold(LineBudget.free + 1) }
    #expect(evicted.all == Array(0..<20_000))
    #expect(budget.total == 10_000)
  }
}
