// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import DocumentModel
import Glibc
import LineJSON
import ProcessSupport
import TestSupport
import Testing

/// Collects text in memory.
final class MemoryOutput: TextOutput {
  private(set) var text = ""
  private(set) var bytes: [UInt8] = []
  /// An error to throw after a number of writes.
  var failure: (after: Int, OutputError)?
  private var writes = 0

  func write(_ text: String) throws(OutputError) {
    if let failure, writes >= failure.after { throw failure.1 }
    writes += 1
    self.text += text
  }

  func write(bytes: [UInt8]) throws(OutputError) {
    if let failure, writes >= failure.after { throw failure.1 }
    writes += 1
    self.bytes += bytes
  }

  func flush() throws(OutputError) {}
}

/// A home directory for sockets, and a console that uses it.
final class CommandFixture {
  let home: TemporaryDirectory
  let output = MemoryOutput()
  let errors = MemoryOutput()
  var terminal = Console.Terminal()
  var workingDirectory: String? = "/w"
  var unreadableDirectory: String?
  var unreadableVariable: (name: String, value: String)?
  /// The answers to questions, followed by the end of input.
  var answers: [InputLine] = []
  /// What happens at each pause of a command, followed by Ctrl-C.
  var pauseActions: [() throws -> Void] = []
  var helloTimeout = Duration.seconds(5)
  var now: () -> ContinuousClock.Instant = { .now }
  var executableDirectory: String?
  var input: Int32 = -1
  var outputDescriptor: Int32 = -1
  /// The value of `P2P_HOME`, if it is not the path of `home`.
  var homeVariable: String?

  init() throws {
    home = try TemporaryDirectory()
    mkdir("\(home.path)/run", 0o700)
  }

  func socket(_ name: String) -> String { "\(home.path)/run/\(name).sock" }

  var console: Console {
    let home = homeVariable ?? home.path
    let workingDirectory = workingDirectory
    var environment = Console.Environment(
      variable: { ["P2P_HOME", "HOME"].contains($0) ? home : nil }, user: try? PeerName("alice"),
      workingDirectory: { workingDirectory }, executableDirectory: executableDirectory)
    environment.unreadableDirectory = { [unreadableDirectory] in unreadableDirectory }
    environment.unreadableVariable = unreadableVariable
    return Console(
      terminal: terminal, environment: environment,
      input: input, output: output, outputDescriptor: outputDescriptor, errors: errors, helloTimeout: helloTimeout,
      now: now,
      ask: { _ in self.answers.isEmpty ? .end : self.answers.removeFirst() },
      pause: { _ in
        guard !self.pauseActions.isEmpty else { throw ControlError.interrupted }
        try self.pauseActions.removeFirst()()
      })
  }

  @discardableResult
  func run(_ arguments: String...) -> ExitStatus {
    CommandRunner.run(arguments, on: console)
  }

  /// The JSON objects on standard output.
  func rows() throws -> [JSONValue] {
    try output.text.split(separator: "\n").map { try Jansson.decode($0.utf8) }
  }
}

/// Parts of replies.
enum Sample {
  static let id = ScriptedDaemon.id
  static let otherID = String(repeating: "a0", count: 32)
  static let root = String(repeating: "1c", count: 32)
  static let otherRoot = String(repeating: "2d", count: 32)

  static func holder(_ name: String = "bob", id: String = otherID, complete: Bool = true) -> String {
    #"{"peer":"\#(id)","name":"\#(name)","host":"192.0.2.7","port":40001,"complete":\#(complete)}"#
  }

  static func content(root: String = root, title: String = "TCP", holders: [String] = [holder()]) -> String {
    #""content":"\#(root)","title":"\#(title)","size":177957,"modified":"1981-09-01T00:00:00Z","total":\#(holders.count)"#
      + #","holders":[\#(holders.joined(separator: ","))]"#
  }

  static func failure(_ status: Int, _ code: String, _ message: String, _ more: String = "") -> String {
    #"{"id":2,"status":\#(status),"error":"\#(code)","message":"\#(message)"\#(more)}"#
  }

  static let status =
    #"{"id":2,"status":200,"name":"alice","peer":"\#(id)","socket":"/run/alice.sock","uploads":"127.0.0.1:40001","#
    + #""index":{"address":"127.0.0.1:7734","connected":true,"since":"2026-01-02T03:04:05Z","source":"settings"},"#
    + #""documents":3,"bytes":5000}"#
}
