// SPDX-License-Identifier: Apache-2.0

import CProcess
import Dispatch
import Glibc
import ProcessSupervision
import Synchronization

/// Background servers. All of them end with the bench, also after an interrupt.
final class Services: Sendable {
  /// A supervisor stops its children within 10 s.
  private static let timeout = Duration.seconds(12)

  private let running = Mutex<[Int32]>([])

  /// Call it from the main thread before any other exists: children end with the thread that spawned them.
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

  /// Ends all in reverse order and waits for them.
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

  /// Waits for a signal, ends everything and exits.
  private func endWhenInterrupted(_ signals: CInt) {
    var waiting = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
    while poll(&waiting, 1, -1) <= 0 {}
    let signal = signals_next(signals)
    end()
    exit(128 + signal)
  }
}
