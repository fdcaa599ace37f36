// SPDX-License-Identifier: Apache-2.0

import CProcess
import Dispatch
import Glibc
import ProcessSupervision
import Synchronization

/// The servers that run in the background, each ended by its pid, also when somebody interrupts.
final class Services: Sendable {
  /// A supervisor stops what it has started within 10 s.
  private static let timeout = Duration.seconds(12)

  private let running = Mutex<[Int32]>([])

  /// Call it from the thread that lives to the end, before any other is made: its children end with it.
  init() throws {
    let signals = [SIGINT, SIGTERM, SIGHUP]
    let descriptor = signals_open(signals, signals.count)
    guard descriptor >= 0 else { throw BenchFailure("signalfd: \(-descriptor)") }
    DispatchQueue.global().async { self.endWhenInterrupted(descriptor) }
  }

  /// - Returns: its pid.
  func start(_ path: String, _ arguments: [String], environment: [String: String] = [:], log: String) throws -> Int32 {
    let specification = try Tool.specification(path, arguments, environment, output: log, deathSignal: SIGTERM)
    defer { for descriptor in specification.descriptors { close(descriptor.source) } }
    return try running.withLock { running in
      let child = try ChildProcess(specification)
      running.append(child.pid)
      return child.pid
    }
  }

  /// Ends all, the last one first, and returns when they are gone.
  func end() {
    running.withLock { running in
      while let pid = running.popLast() { Self.end(pid) }
    }
  }

  private static func end(_ pid: Int32) {
    kill(pid, SIGTERM)
    let deadline = ContinuousClock.now + timeout
    while waitpid(pid, nil, WNOHANG) == 0 {
      if ContinuousClock.now >= deadline { kill(pid, SIGKILL) }
      usleep(2_000)
    }
  }

  /// Returns never: it waits for a signal and then ends everything.
  private func endWhenInterrupted(_ signals: CInt) {
    var waiting = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
    while poll(&waiting, 1, -1) <= 0 {}
    let signal = signals_next(signals)
    end()
    exit(128 + signal)
  }
}
