// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import NIOCore
import Synchronization

/// Which connections may go on with their TLS handshake: at most so many at a time in total and of one address block. Others
/// wait, unread, before anything expensive is done for them. Address blocks take turns.
package struct HandshakeTurns {
  private struct Member {
    let block: AddressBlock?
    var isRunning: Bool
  }

  private struct Group {
    var running = 0
    var waiting = CircularBuffer<UInt64>()
    /// Whether it is in `ready`.
    var isReady = false
  }

  private let limit: Int
  private let limitOfBlock: Int
  private var members: [UInt64: Member] = [:]
  /// `nil` is this machine, for which only the total counts.
  private var groups: [AddressBlock?: Group] = [:]
  /// Groups that may begin another one.
  private var ready = CircularBuffer<AddressBlock?>()
  package private(set) var running = 0
  private var last: UInt64 = 0

  package init(limit: Int, limitOfBlock: Int) {
    self.limit = limit
    self.limitOfBlock = limitOfBlock
  }

  /// Whether others wait for this one to end: those of its own address, or anybody if as many run as may.
  package func isAwaited(_ number: UInt64) -> Bool {
    guard let member = members[number] else { return false }
    return !ready.isEmpty || groups[member.block]?.waiting.isEmpty == false
  }

  /// Handshakes that wait or run. For tests: nothing else shows that those that have ended are forgotten.
  package var count: Int { members.count }

  /// - Returns: the number of the handshake, with which `leave` has to be called, and the handshakes that begin.
  package mutating func enter(_ block: AddressBlock?) -> (number: UInt64, begun: [UInt64]) {
    last += 1
    members[last] = Member(block: block, isRunning: false)
    groups[block, default: Group()].waiting.append(last)
    enqueue(block)
    return (last, begin())
  }

  /// A handshake has ended, well or not, or no longer waits.
  /// - Returns: the handshakes that begin.
  package mutating func leave(_ number: UInt64) -> [UInt64] {
    guard let member = members.removeValue(forKey: number) else { return [] }
    if member.isRunning {
      running -= 1
      groups[member.block]?.running -= 1
    } else {
      groups[member.block]?.waiting.removeAll { $0 == number }
    }
    enqueue(member.block)
    return begin()
  }

  private mutating func enqueue(_ block: AddressBlock?) {
    guard let group = groups[block] else { return }
    if group.waiting.isEmpty {
      if group.running == 0, !group.isReady { groups[block] = nil }
    } else if !group.isReady, block == nil || group.running < limitOfBlock {
      groups[block]?.isReady = true
      ready.append(block)
    }
  }

  private mutating func begin() -> [UInt64] {
    var begun = [UInt64]()
    while running < limit, let block = ready.popFirst() {
      groups[block]?.isReady = false
      if let number = groups[block]?.waiting.popFirst() {
        members[number]?.isRunning = true
        groups[block]?.running += 1
        running += 1
        begun.append(number)
      }
      enqueue(block)
    }
    return begun
  }
}

/// The handshakes of a server, on all its event loops.
final class HandshakeGate: Sendable {
  private struct State {
    var turns: HandshakeTurns
    var begin: [UInt64: @Sendable () -> Void] = [:]

    mutating func take(_ numbers: [UInt64]) -> [@Sendable () -> Void] {
      numbers.compactMap { begin.removeValue(forKey: $0) }
    }
  }

  private let state: Mutex<State>

  init(_ limits: HandshakeLimits) {
    state = Mutex(State(turns: HandshakeTurns(limit: limits.total, limitOfBlock: limits.perAddress)))
  }

  /// - Parameter begin: called once when the handshake may go on, from any thread.
  /// - Returns: the number of the handshake, with which `leave` has to be called.
  func enter(_ block: AddressBlock?, begin: @escaping @Sendable () -> Void) -> UInt64 {
    let (number, begun) = state.withLock { state in
      let (number, begun) = state.turns.enter(block)
      state.begin[number] = begin
      return (number, state.take(begun))
    }
    for begin in begun { begin() }
    return number
  }

  func isAwaited(_ number: UInt64) -> Bool { state.withLock { $0.turns.isAwaited(number) } }

  func leave(_ number: UInt64) {
    let begun = state.withLock { state in
      state.begin[number] = nil
      return state.take(state.turns.leave(number))
    }
    for begin in begun { begin() }
  }
}

/// The limits of a server's TLS handshakes.
package struct HandshakeLimits: Sendable {
  /// At a time.
  package var total = 512
  /// At a time, of one address block other than this machine.
  package var perAddress = 32
  /// From its turn to its end.
  package var time: TimeAmount = .seconds(10)
  /// The same while others wait for it to end: those who do not go on must not keep them waiting.
  package var crowdedTime: TimeAmount = .seconds(1)
  /// What the client may send meanwhile.
  package var bytes = 32 * 1024

  package init() {}
}
