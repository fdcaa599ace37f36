// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import ProcessSupport
import Synchronization

/// Waits until a descriptor is ready, until a deadline, or until Ctrl-C.
package enum Readiness {
  /// Waits for nothing but Ctrl-C.
  package static func pause(_ duration: Duration) throws(ControlError) {
    // poll(2) ignores a negative descriptor.
    _ = try wait(for: -1, until: .now + duration)
  }

  /// - Parameters:
  ///   - deadline: `nil` waits indefinitely.
  ///   - output: where the results go; -1 if it does not matter whether somebody reads them.
  /// - Returns: false if the deadline has passed.
  /// - Throws: `interrupted` on Ctrl-C; `outputClosed` if the reader of `output` has gone.
  package static func wait(
    for descriptor: Int32, events: Int16 = Int16(POLLIN), until deadline: ContinuousClock.Instant?,
    output: Int32 = -1
  ) throws(ControlError) -> Bool {
    while true {
      var watched = [
        pollfd(fd: descriptor, events: events, revents: 0),
        pollfd(fd: InterruptSignal.descriptor, events: Int16(POLLIN), revents: 0),
        // For POLLERR or POLLHUP, which poll(2) always reports.
        pollfd(fd: output, events: 0, revents: 0),
      ]
      let remaining = deadline.map { PollTimeout.milliseconds($0 - .now) } ?? -1
      let count = poll(&watched, nfds_t(watched.count), remaining)
      if count < 0, errno != EINTR { throw .system("", call: "poll", errno: errno) }
      if count > 0, watched[1].revents != 0, InterruptSignal.take() { throw .interrupted }
      if count > 0, watched[2].revents != 0 { throw .outputClosed }
      if count > 0, watched[0].revents != 0 { return true }
      if count == 0 { return false }
    }
  }
}

/// Watches a process, which need not be a child of this one: pidfd_open(2).
package struct ProcessWatch: ~Copyable {
  package let pid: Int32
  private let descriptor: Int32

  /// `nil` if it has already ended or cannot be watched.
  package init?(pid: Int32) {
    descriptor = process_open_pidfd(pid)
    self.pid = pid
    guard descriptor >= 0 else { return nil }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Sends a signal to this process, never to a later one with the same pid. Returns 0 or an errno.
  package func signal(_ number: Int32) -> Int32 {
    process_signal_pidfd(descriptor, number)
  }

  /// - Returns: whether the process ended within `timeout`.
  package func waitForExit(timeout: Duration) throws(ControlError) -> Bool {
    try Readiness.wait(for: descriptor, until: .now + timeout)
  }
}

/// Notices Ctrl-C during a wait.
///
/// The handler writes a byte into a pipe that is polled together with the socket, so a signal just before the wait is not
/// lost. If a first Ctrl-C has not been handled yet, a second one ends the process.
package enum InterruptSignal {
  // The handler may use only atomics and async-signal-safe calls: signal-safety(7).
  private static let writeEnd = Atomic<Int32>(-1)
  private static let readEnd = Atomic<Int32>(-1)
  private static let isPending = Atomic<Bool>(false)

  /// The end to poll; -1 before `watch`.
  package static var descriptor: Int32 { readEnd.load(ordering: .acquiring) }

  /// Installs the handler of SIGINT. Does nothing if it is installed or if the parent process ignores SIGINT.
  package static func watch() {
    guard descriptor < 0 else { return }
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    readEnd.store(ends[0], ordering: .releasing)
    writeEnd.store(ends[1], ordering: .releasing)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in
      guard !InterruptSignal.isPending.exchange(true, ordering: .acquiringAndReleasing) else {
        signal(SIGINT, SIG_DFL)
        raise(SIGINT)
        return
      }
      let saved = errno
      var byte: UInt8 = 1
      _ = write(InterruptSignal.writeEnd.load(ordering: .acquiring), &byte, 1)
      errno = saved
    }
    var previous = sigaction()
    sigaction(SIGINT, nil, &previous)
    // No SA_RESTART, so that a write to a stopped terminal ends as well.
    if unsafeBitCast(previous.__sigaction_handler.sa_handler, to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self) {
      sigaction(SIGINT, &action, nil)
    }
  }

  /// Whether a signal arrived since the last call.
  package static func take() -> Bool {
    let end = descriptor
    guard end >= 0 else { return false }
    isPending.store(false, ordering: .releasing)
    var bytes = [UInt8](repeating: 0, count: 64)
    return read(end, &bytes, bytes.count) > 0
  }
}
