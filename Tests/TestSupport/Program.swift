// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc

/// A program that is run as a user runs it, usually one of this package.
package struct Program: Sendable {
  package struct Outcome: Sendable {
    /// The exit status; 128 + signal number if a signal ended it.
    package let status: Int32
    package let output: String
    package let errors: String

    package var lines: [String] { output.split(separator: "\n").map(String.init) }
  }

  package struct Failure: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) {
      self.description = description
    }
  }

  package let path: String
  package var environment: [String: String]
  package var directory: String?

  /// An executable of this package.
  /// - Throws: if it was not built beside the tests.
  package init(_ name: String, environment: [String: String] = [:], directory: String? = nil) throws {
    path = try Self.builtProducts() + "/" + name
    guard access(path, X_OK) == 0 else { throw Failure(description: "\(path) was not built") }
    self.environment = environment
    self.directory = directory
  }

  /// A program of the system; `nil` if it is not installed.
  package init?(ofSystem path: String, environment: [String: String] = [:], directory: String? = nil) {
    guard access(path, X_OK) == 0 else { return nil }
    self.path = path
    self.environment = environment
    self.directory = directory
  }

  /// Any program.
  package init(path: String, environment: [String: String] = [:], directory: String? = nil) {
    self.path = path
    self.environment = environment
    self.directory = directory
  }

  /// Starts it without waiting.
  /// - Parameter output: the file for standard output; standard error goes to `<output>.err`.
  package func start(_ arguments: [String], output: String) throws -> Int32 {
    let files = try [
      Self.open("/dev/null", O_RDONLY), Self.open(output, O_WRONLY | O_CREAT | O_TRUNC),
      Self.open(output + ".err", O_WRONLY | O_CREAT | O_TRUNC),
    ]
    defer { for file in files { close(file) } }
    return try spawn([path] + arguments, files)
  }

  /// Starts it with a controlling terminal, so that typed control characters such as Ctrl-C reach it.
  package func start(_ arguments: [String], onTerminal terminal: CInt) throws -> Int32 {
    try spawn(["/usr/bin/setsid", "--ctty", "--wait", path] + arguments, [terminal, terminal, terminal])
  }

  /// - Parameter files: become descriptors 0, 1, 2 and so on.
  private func spawn(_ command: [String], _ files: [CInt]) throws -> Int32 {
    let descriptors = files.enumerated().map { process_descriptor(source: $0.element, target: CInt($0.offset)) }
    let variables = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "NO_COLOR": "1"].merging(environment) { $1 }
    let argv = command.map { strdup($0) } + [nil]
    let envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    let place = directory.map { strdup($0) } ?? nil
    defer { for pointer in argv + envp + [place] { free(pointer) } }
    var started = process_started()
    let number = argv.withUnsafeBufferPointer { argv in
      envp.withUnsafeBufferPointer { envp in
        descriptors.withUnsafeBufferPointer { descriptors in
          var specification = process_specification()
          specification.path = UnsafePointer(argv[0])
          specification.arguments = argv.baseAddress
          specification.environment = envp.baseAddress
          specification.directory = UnsafePointer(place)
          specification.descriptors = descriptors.baseAddress
          specification.descriptor_count = descriptors.count
          return process_spawn(&specification, &started)
        }
      }
    }
    guard number == 0 else { throw Failure(description: "\(path): \(String(cString: strerror(number)))") }
    close(started.pidfd)
    return started.pid
  }

  private static func open(_ path: String, _ flags: CInt) throws -> CInt {
    let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Failure(description: "\(path): \(String(cString: strerror(errno)))") }
    return descriptor
  }

  /// Runs it to completion. Kills it and throws after `timeout`.
  package func run(_ arguments: String..., timeout: Duration = .seconds(60)) async throws -> Outcome {
    try await run(arguments, timeout: timeout)
  }

  package func run(_ arguments: [String], timeout: Duration = .seconds(60)) async throws -> Outcome {
    let directory = try TemporaryDirectory()
    let output = directory.file("output")
    let pid = try start(arguments, output: output)
    guard let status = await Self.wait(for: pid, timeout) else {
      kill(pid, SIGKILL)
      _ = await Self.wait(for: pid, .seconds(5))
      let said = Self.text(output) + Self.text(output + ".err")
      throw Failure(description: "\(path) \(arguments.joined(separator: " ")) did not end within \(timeout): \(said)")
    }
    return Outcome(status: status, output: Self.text(output), errors: Self.text(output + ".err"))
  }

  /// Waits for a child.
  /// - Returns: its exit status as in `Outcome`; `nil` if it still runs.
  package static func wait(for pid: Int32, _ timeout: Duration) async -> Int32? {
    var status: Int32 = 0
    let hasEnded = await eventually(within: timeout) { waitpid(pid, &status, WNOHANG) == pid }
    guard hasEnded else { return nil }
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
  }

  private static func text(_ path: String) -> String {
    String(decoding: TemporaryDirectory.read(path) ?? [], as: UTF8.self)
  }

  /// The directory of the test bundle and of the executables beside it.
  package static func builtProducts() throws -> String {
    let maps = String(decoding: TemporaryDirectory.read("/proc/self/maps") ?? [], as: UTF8.self)
    for line in maps.split(separator: "\n") {
      guard let start = line.firstIndex(of: "/"), line.hasSuffix(".xctest") else { continue }
      return (line[start...] as Substring).split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    }
    throw Failure(description: "cannot find the directory of the test bundle")
  }
}
