// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// Shares the time of one event loop among those that need much of it.
///
/// A connection that has used up its turn waits here for the next one, as does work that goes on by itself. Turns are taken in
/// the order of waiting, a few at a time; in between the loop looks at its sockets. So a short request of another connection
/// waits for one such round at most, whatever the others have sent. For its event loop only.
package final class LoopTurns {
  /// A turn of one connection ends with the request that goes beyond it.
  package static let turn = TimeAmount.microseconds(500)
  /// No turn begins later than this in a round.
  private static let round = TimeAmount.milliseconds(1)

  private let loop: any EventLoop
  private let pause: TimeAmount
  private var waiting = CircularBuffer<() -> Void>()
  private var isScheduled = false

  /// - Parameter pause: between two rounds. A task for now would run before the loop looks at its sockets again; one for the
  ///   near future does not.
  package init(of loop: any EventLoop, pause: TimeAmount) {
    self.loop = loop
    self.pause = pause
  }

  package var now: NIODeadline { loop.now }

  /// Calls `turn` once, in its turn.
  package func wait(_ turn: @escaping () -> Void) {
    waiting.append(turn)
    schedule()
  }

  /// Calls `work` in its turn until it returns false. It should take half a turn at most.
  package func take(_ work: @escaping () -> Bool) {
    wait { [self] in if work() { take(work) } }
  }

  private func schedule() {
    guard !isScheduled else { return }
    isScheduled = true
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: pause) { bound.value.run() }
  }

  private func run() {
    let end = loop.now + Self.round
    // Each at most once.
    var left = waiting.count
    repeat {
      guard left > 0, let turn = waiting.popFirst() else { break }
      left -= 1
      turn()
    } while loop.now < end
    // Not before: a task that is due when this one ends runs before the loop looks at its sockets.
    isScheduled = false
    if !waiting.isEmpty { schedule() }
  }
}

/// The turns of each event loop of a server.
final class LoopTurnsTable: Sendable {
  private let pause: TimeAmount
  private let table = Mutex<[ObjectIdentifier: NIOLoopBound<LoopTurns>]>([:])

  init(pause: TimeAmount) {
    self.pause = pause
  }

  /// For the calling event loop.
  func turns(of loop: any EventLoop) -> LoopTurns {
    let bound = table.withLock { table in
      if let known = table[ObjectIdentifier(loop)] { return known }
      let new = NIOLoopBound(LoopTurns(of: loop, pause: pause), eventLoop: loop)
      table[ObjectIdentifier(loop)] = new
      return new
    }
    return bound.value
  }
}
