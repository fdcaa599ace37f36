// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Synchronization

/// Bounds the bytes that all connections of a server hold together: of lines that have not ended, or of answers that are
/// not taken. The limits of each connection allow a full line or answer each; this caps the sum.
///
/// Where it is exceeded, the connection that has held bytes for longest loses them, and itself: who sends or reads at a
/// usual pace never holds them for long.
package final class LineBudget: Sendable {
  /// A connection's first bytes are not counted: honest lines and answers are short, and counting has a price.
  package static let free = 4 * 1024

  private struct Share {
    var bytes: Int
    let block: AddressBlock?
    let evict: @Sendable (ConnectionRefusal) -> Void
  }

  private struct Block {
    var bytes = 0
    var order = AgeList()
  }

  private struct State {
    var total = 0
    var shares: [UInt64: Share] = [:]
    /// All shares by age. Those who exceed the budget can do so again and again, so finding the oldest must cost nothing.
    var order = AgeList()
    var blocks: [AddressBlock: Block] = [:]
    var lastNumber: UInt64 = 0

    mutating func insert(_ share: Share) -> UInt64 {
      lastNumber += 1
      shares[lastNumber] = share
      order.append(lastNumber)
      if let block = share.block { blocks[block, default: Block()].order.append(lastNumber) }
      return lastNumber
    }

    mutating func change(_ number: UInt64, by bytes: Int) {
      guard let share = shares[number] else { return }
      total += bytes
      shares[number]?.bytes += bytes
      if let block = share.block { blocks[block]?.bytes += bytes }
    }

    /// `nil` if the block holds no more than the limit.
    func oldest(of block: AddressBlock, beyond limit: Int) -> UInt64? {
      guard let held = blocks[block], held.bytes > limit else { return nil }
      return held.order.oldest
    }

    mutating func remove(_ number: UInt64) -> Share? {
      guard let share = shares[number] else { return nil }
      change(number, by: -share.bytes)
      shares[number] = nil
      order.remove(number)
      if let block = share.block {
        blocks[block]?.order.remove(number)
        if blocks[block]?.order.isEmpty == true { blocks[block] = nil }
      }
      return share
    }
  }

  /// In bytes.
  package let limit: Int
  /// Of one address block, in bytes.
  package let limitOfBlock: Int
  private let state = Mutex(State())

  package init(limit: Int = 256 * 1024 * 1024, limitOfBlock: Int? = nil) {
    self.limit = limit
    self.limitOfBlock = limitOfBlock ?? limit
  }

  /// In bytes.
  package var total: Int { state.withLock { $0.total } }

  /// Whether more than half of it is used.
  package var isTight: Bool { total > limit / 2 }

  /// - Parameters:
  ///   - number: of the share; `nil` for a new one.
  ///   - bytes: what the connection holds now.
  /// - Returns: the number of the share; `nil` if the connection has lost it.
  fileprivate func hold(
    _ number: UInt64?, _ bytes: Int, _ block: AddressBlock?,
    _ evict: @escaping @Sendable (ConnectionRefusal) -> Void
  ) -> UInt64? {
    let (kept, evicted) = state.withLock { state -> (UInt64?, [Share]) in
      let number = number ?? state.insert(Share(bytes: 0, block: block, evict: evict))
      guard let share = state.shares[number] else { return (nil, []) }
      state.change(number, by: bytes - share.bytes)
      var evicted = [Share]()
      while let block, let oldest = state.oldest(of: block, beyond: limitOfBlock), let share = state.remove(oldest) {
        evicted.append(share)
      }
      while state.total > limit, let oldest = state.order.oldest, let share = state.remove(oldest) {
        evicted.append(share)
      }
      return (state.shares[number] == nil ? nil : number, evicted)
    }
    for share in evicted { share.evict(.lineMemory(limit: limit)) }
    return kept
  }

  fileprivate func release(_ number: UInt64) {
    _ = state.withLock { $0.remove(number) }
  }
}

/// What one connection holds of a budget. `release` it at the end.
package struct LineBudgetShare {
  private let budget: LineBudget?
  private let block: AddressBlock?
  private let evict: @Sendable (ConnectionRefusal) -> Void
  private var number: UInt64?
  /// In bytes, those that are not counted left out.
  private var counted = 0

  /// - Parameters:
  ///   - budget: `nil` for no limit.
  ///   - block: the addresses whose share counts; `nil` if none does.
  ///   - evict: ends the connection for this reason; called from any thread.
  package init(
    of budget: LineBudget?, block: AddressBlock?, evict: @escaping @Sendable (ConnectionRefusal) -> Void
  ) {
    self.budget = budget
    self.block = block
    self.evict = evict
  }

  package var isLimited: Bool { budget != nil }
  package var isEmpty: Bool { counted == 0 }

  /// Whether more than half of the whole budget is used.
  package var isTight: Bool { budget?.isTight ?? false }

  /// - Parameter bytes: everything that the connection holds now.
  package mutating func hold(_ bytes: Int) {
    let wanted = max(0, bytes - LineBudget.free)
    guard wanted != counted, let budget else { return }
    guard wanted > 0 else { return release() }
    counted = wanted
    number = budget.hold(number, wanted, block, evict)
  }

  package mutating func release() {
    counted = 0
    if let number { budget?.release(number) }
    number = nil
  }
}
