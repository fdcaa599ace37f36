// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import SystemPackage

/// Decides when to look whether the control sockets are still at their paths: when a directory changes, and from time to
/// time, because some changes (a directory above moved or unmounted) are not reported.
package struct SocketUpkeep: Sendable {
  package typealias Instant = SuspendingClock.Instant

  /// Between two looks if nothing is reported.
  package static let interval = Duration.seconds(2)
  /// Between two looks while a socket cannot be made again.
  package static let retry = Duration.seconds(1)
  /// After a report, so that a storm of changes, or another program that fights for the path, causes few looks.
  package static let delay = Duration.milliseconds(50)
  private static let minGap = Duration.milliseconds(500)

  private var lastLook: Instant
  package private(set) var deadline: Instant

  package init(now: Instant) {
    lastLook = now
    deadline = now.advanced(by: Self.interval)
  }

  /// A directory has changed.
  package mutating func changed(now: Instant) {
    deadline = min(deadline, max(now.advanced(by: Self.delay), lastLook.advanced(by: Self.minGap)))
  }

  /// Whether to look now. Call `looked` afterwards.
  package func isDue(now: Instant) -> Bool { now >= deadline }

  /// - Parameter isComplete: whether every socket is at its path now.
  package mutating func looked(isComplete: Bool, now: Instant) {
    lastLook = now
    deadline = now.advanced(by: isComplete ? Self.interval : Self.retry)
  }
}

/// Reports changes of names in directories: inotify(7). Without it, changes are noticed a little later.
final class DirectoryWatch {
  let descriptor: FileDescriptor?

  init() {
    let number = directory_watch_open()
    descriptor = number >= 0 ? FileDescriptor(rawValue: number) : nil
  }

  deinit {
    try? descriptor?.close()
  }

  /// Watches these directories; those that are watched already stay so.
  func add(_ directories: Set<String>) {
    guard let descriptor else { return }
    for directory in directories { _ = directory_watch_add(descriptor.rawValue, directory) }
  }

  /// Discards what was reported.
  func drain() {
    if let descriptor { directory_watch_drain(descriptor.rawValue) }
  }
}
