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

  private struct State {
    var running: [Int32] = []
    var cleanups: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())

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
    return try state.withLock { state in
      let child = try ChildProcess(specification)
      state.running.append(child.pid)
      return child.pid
    }
  }

  /// Called at the end, after all servers have ended; also after an interrupt, from another thread.
  func atEnd(_ cleanup: @escaping @Sendable () -> Void) {
    state.withLock { $0.cleanups.append(cleanup) }
  }

  /// Does something that an interrupt must not overtake: it waits for `body`, and later calls never return.
  /// - Parameter body: must not call this object.
  func make(_ body: () throws -> Void) rethrows {
    try state.withLock { _ in try body() }
  }

  /// Ends some servers together and waits for them.
  func end(_ pids: [Int32]) {
    state.withLock { state in
      for pid in pids { kill(pid, SIGTERM) }
      for pid in pids.reversed() { Self.end(pid) }
      state.running.removeAll(where: pids.contains)
    }
  }

  /// Ends all in reverse order, waits for them and cleans up.
  func end() {
    state.withLock { Self.end(&$0) }
  }

  private static func end(_ state: inout State) {
    while let pid = state.running.popLast() { end(pid) }
    while let cleanup = state.cleanups.popLast() { cleanup() }
  }

  private static func end(_ pid: Int32) {
    kill(pid, SIGTERM)
    // A stopped process takes no other signal.
    kill(pid, SIGCONT)
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
    // The lock is kept: nothing is started any more.
    state.withLock { state in
      Self.end(&state)
      exit(128 + signal)
    }
  }
}
