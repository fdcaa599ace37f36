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
    try start(arguments, input: input).wait()
  }

  /// Starts it without waiting. Several that run at a time need a scratch directory each.
  func start(_ arguments: [String], input: String = "/dev/null") throws -> RunningTool {
    let output = scratch + "/output"
    let specification = try Self.specification(path, arguments, environment, input: input, output: output)
    defer { for descriptor in specification.descriptors { close(descriptor.source) } }
    let start = ContinuousClock.now
    let child = try ChildProcess(specification)
    return RunningTool(
      pid: child.pid, start: start, output: output, command: "\(path) \(arguments.joined(separator: " "))")
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

enum ResidentMemory {
  /// In bytes: `VmRSS` of proc_pid_status(5).
  static func of(_ pid: Int32) throws -> Int {
    let text = String(decoding: TemporaryDirectory.read("/proc/\(pid)/status") ?? [], as: UTF8.self)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
      let kibibytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({ Int($0) })
    else { throw BenchFailure("process \(pid) has ended") }
    return kibibytes << 10
  }
}

/// Bytes passed on so far.
enum WrittenBytes {
  /// All that a process has written to files and sockets, sendfile(2) included: `wchar` of proc_pid_io(5).
  static func of(_ pid: Int32) throws -> Int {
    let text = String(decoding: TemporaryDirectory.read("/proc/\(pid)/io") ?? [], as: UTF8.self)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("wchar: ") }),
      let bytes = Int(line.dropFirst("wchar: ".count))
    else { throw BenchFailure("process \(pid) has ended") }
    return bytes
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

extension TextFile {
  /// Checks the size of a fetched file and removes it.
  static func discard(_ path: String, size: Int) throws {
    var status = stat()
    guard stat(path, &status) == 0, status.st_size == size else {
      throw BenchFailure("\(path) is missing or incomplete")
    }
    unlink(path)
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
