// SPDX-License-Identifier: Apache-2.0

import Glibc
import ProcessSupervision
import TestSupport

/// A program that is run to its end and timed from spawn to exit.
struct Tool {
  struct Outcome {
    let elapsed: Duration
    /// Its own processor time, in seconds.
    let processorTime: Double
    let output: String
  }

  let path: String
  var environment: [String: String] = [:]
  /// Where its output is kept while it runs.
  let scratch: String

  /// - Parameter input: a file; nothing by default.
  /// - Throws: where it ends with another status than 0, with what it said.
  @discardableResult
  func run(_ arguments: [String], input: String = "/dev/null") throws -> Outcome {
    let output = scratch + "/output"
    let specification = try Self.specification(path, arguments, environment, input: input, output: output)
    defer { for descriptor in specification.descriptors { close(descriptor.source) } }
    let start = ContinuousClock.now
    let child = try ChildProcess(specification)
    var status: CInt = 0
    var usage = rusage()
    guard wait4(child.pid, &status, 0, &usage) == child.pid else { throw BenchFailure.system("wait4") }
    let elapsed = ContinuousClock.now - start
    let said = String(decoding: TemporaryDirectory.read(output) ?? [], as: UTF8.self)
    guard status == 0 else {
      throw BenchFailure("\(path) \(arguments.joined(separator: " ")) failed (\(status)):\n\(said)")
    }
    return Outcome(elapsed: elapsed, processorTime: ProcessorTime.of(usage), output: said)
  }

  /// Ends when this thread ends, whatever becomes of the clean-up.
  static func specification(
    _ path: String, _ arguments: [String], _ environment: [String: String], input: String = "/dev/null",
    output: String, deathSignal: CInt = SIGKILL
  ) throws -> ProcessSpecification {
    let source = open(input, O_RDONLY | O_CLOEXEC)
    let target = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard source >= 0, target >= 0 else { throw BenchFailure.system("\(input), \(output)") }
    let variables = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "NO_COLOR": "1"].merging(environment) { $1 }
    return ProcessSpecification(
      executable: path, arguments: arguments, environment: variables,
      descriptors: [
        .init(source: source, target: 0), .init(source: target, target: 1), .init(source: target, target: 2),
      ],
      deathSignal: deathSignal)
  }

  /// Where a program of the system lies.
  static func installed(_ name: String) throws -> String {
    for directory in ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"] {
      let path = "\(directory)/\(name)"
      if access(path, X_OK) == 0 { return path }
    }
    throw BenchFailure("\(name) is not installed")
  }
}
