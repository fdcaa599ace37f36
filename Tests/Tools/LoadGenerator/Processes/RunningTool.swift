// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// A program that has been started.
struct RunningTool {
  let pid: Int32
  let start: ContinuousClock.Instant
  fileprivate let output: String
  fileprivate let command: String

  init(pid: Int32, start: ContinuousClock.Instant, output: String, command: String) {
    self.pid = pid
    self.start = start
    self.output = output
    self.command = command
  }

  /// Blocks until it ends.
  /// - Throws: if the exit status is not 0, with the output.
  func wait() throws -> Tool.Outcome {
    while true {
      if let outcome = try ended(options: 0) { return outcome }
    }
  }

  /// - Parameter options: of wait4(2).
  /// - Returns: `nil` while it runs.
  func ended(options: CInt = WNOHANG) throws -> Tool.Outcome? {
    var status: CInt = 0
    var usage = rusage()
    let ended = wait4(pid, &status, options, &usage)
    if ended == 0 || (ended < 0 && errno == EINTR) { return nil }
    guard ended == pid else { throw BenchFailure.system("wait4") }
    let elapsed = ContinuousClock.now - start
    let said = String(decoding: TemporaryDirectory.read(output) ?? [], as: UTF8.self)
    guard status == 0 else { throw BenchFailure("\(command) failed (\(status)):\n\(said)") }
    return Tool.Outcome(elapsed: elapsed, processorTime: ProcessorTime.of(usage), output: said)
  }

  /// Waits for all and polls every 2 ms.
  /// - Parameter meanwhile: called between polls.
  static func waitForAll(
    _ tools: [RunningTool], within timeout: Duration, meanwhile: () throws -> Void = {}
  ) throws -> [Tool.Outcome] {
    var outcomes = [Tool.Outcome?](repeating: nil, count: tools.count)
    let deadline = ContinuousClock.now + timeout
    while outcomes.contains(where: { $0 == nil }) {
      for (number, tool) in tools.enumerated() where outcomes[number] == nil { outcomes[number] = try tool.ended() }
      try meanwhile()
      guard ContinuousClock.now < deadline else {
        for (tool, outcome) in zip(tools, outcomes) where outcome == nil { kill(tool.pid, SIGKILL) }
        throw BenchFailure("not finished within \(timeout): \(tools.first?.command ?? "")")
      }
      usleep(2_000)
    }
    return outcomes.compactMap { $0 }
  }
}
