// SPDX-License-Identifier: Apache-2.0

import ContentStore
import NIOCore
import Synchronization
import WireProtocol

/// Tells the one who asked how far hashing has come, about ten times a second.
final class HashingReports: Sendable {
  private static let interval = TimeAmount.milliseconds(100)

  private let files: Int
  private let events: any ControlEvents
  private let next = Mutex(NIODeadline.now())

  init(files: Int, events: any ControlEvents) {
    self.files = files
    self.events = events
  }

  /// - Parameter position: of the file among all, from 0.
  func report(_ position: Int, _ progress: HashProgress) {
    let now = NIODeadline.now()
    let isDue = next.withLock { next in
      guard now >= next else { return false }
      next = now + Self.interval
      return true
    }
    guard isDue else { return }
    events.offer(
      .hashing(
        HashingProgress(
          path: progress.path, done: progress.done, total: progress.total, file: position + 1, files: files)))
  }
}
