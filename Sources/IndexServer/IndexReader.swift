// SPDX-License-Identifier: Apache-2.0

import NIOCore
import WireProtocol

/// An event loop as the index sees it: what its connections share, and the check of their silence. For its event loop only.
///
/// One timer looks after all connections once a second: one for each would cost memory, and its end a search among thousands.
final class IndexReader {
  private static let interval = TimeAmount.seconds(1)

  let number: Int
  /// For the answer that is being written.
  let buffer = RowBuffer(capacity: 64 * 1024, ready: ReadyRows())
  /// For pages of lists.
  let readyRows = ReadyRows()
  /// A copy, and the number of the change that it is of.
  // Used on the event loop only and by no call twice at once: the runtime need not check this for each look-up.
  @exclusivity(unchecked) var limits: IndexLimits
  @exclusivity(unchecked) var version: UInt
  private let loop: any EventLoop
  private var roles: [IndexRole] = []
  private var isWatching = false

  init(number: Int, loop: any EventLoop, limits: IndexLimits, version: UInt) {
    self.number = number
    self.loop = loop
    self.limits = limits
    self.version = version
  }

  func join(_ role: IndexRole) {
    role.place = roles.count
    roles.append(role)
    watch()
  }

  func leave(_ role: IndexRole) {
    guard let place = role.place, place < roles.count, roles[place] === role else { return }
    role.place = nil
    let last = roles.removeLast()
    guard last !== role else { return }
    roles[place] = last
    last.place = place
  }

  private func watch(in time: TimeAmount = interval) {
    guard !isWatching, !roles.isEmpty else { return }
    isWatching = true
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: time) { bound.value.check() }
  }

  /// Connections that may end before others have their turn.
  private static let maxEnding = 32

  private func check() {
    isWatching = false
    let now = loop.now
    let before = roles.count
    // One that leaves is replaced by the last, which has been checked.
    for place in roles.indices.reversed() where place < roles.count {
      roles[place].check(now)
      guard before - roles.count < Self.maxEnding else { return watch(in: .milliseconds(1)) }
    }
    watch()
  }
}
