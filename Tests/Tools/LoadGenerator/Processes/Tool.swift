// SPDX-License-Identifier: Apache-2.0

import Glibc
import ProcessSupervision
import TestSupport

/// A program that is run to completion and timed from spawn to exit.
struct Tool {
  struct Outcome {
    let elapsed: Duration
    /// Processor time of the process, in seconds.
    let processorTime: Double
    let output: String
  }

  let path: String
  var environment: [String: String] = [:]
  /// A directory for its output while it runs.
  let scratch: String

  /// - Parameter input: the path of the file used as standard input.
  /// - Throws: if the exit status is not 0, with the output.
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

  /// The process ends with the calling thread, even without clean-up.
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

  /// The path of a system program.
  static func installed(_ name: String) throws -> String {
    for directory in ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"] {
      let path = "\(directory)/\(name)"
      if access(path, X_OK) == 0 { return path }
    }
    throw BenchFailure("\(name) is not installed")
  }
}

/// Processor time used so far.
enum ProcessorTime {
  /// User and system time of all threads, in seconds: clock_getcpuclockid(3).
  static func of(_ pid: Int32) throws -> Double {
    var clock = clockid_t()
    var time = timespec()
    guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else {
      throw BenchFailure("process \(pid) has ended")
    }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  static func of(_ usage: rusage) -> Double {
    let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(microseconds) / 1e6
  }
}

enum TextFile {
  static func write(_ text: String, to path: String) throws {
    try write(Array(text.utf8), to: path)
  }

  static func write(_ bytes: [UInt8], to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw BenchFailure.system(path) }
    defer { close(descriptor) }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
      }
      guard count > 0 else { throw BenchFailure.system(path) }
      written += count
    }
  }
}

/// The reason why the measurement cannot continue.
struct BenchFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }

  /// A system call that just failed, with `errno`.
  static func system(_ what: String) -> BenchFailure {
    BenchFailure("\(what): \(String(cString: strerror(errno)))")
  }
}
