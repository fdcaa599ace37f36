// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import Glibc
import LineJSON
import ProcessSupervision
import SupervisorDaemon
import SystemPackage
import TestSupport
import Testing
import WireProtocol

/// A real supervisor in a temporary home, with stand-ins for children. All are killed at the end.
final class SupervisorFixture {
  let directory: TemporaryDirectory
  private(set) var supervisor: ChildProcess?
  private let errors: FileDescriptor

  var home: String { directory.file("home") }

  init() throws {
    directory = try TemporaryDirectory()
    let built = try #require(Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent().path)
    for (program, source) in [
      ("p2p-supervisor", "p2p-supervisor"), ("p2p-index", "supervised-child"), ("p2p-peer", "supervised-child"),
    ] {
      let (from, to) = ("\(built)/\(source)", directory.file(program))
      if link(from, to) != 0 { try FileManager.default.copyItem(atPath: from, toPath: to) }
    }
    errors = try FileDescriptor.open(
      FilePath(directory.file("errors")), .readWrite, options: [.create, .append], permissions: .ownerReadWrite)
  }

  deinit {
    supervisor?.signal(SIGKILL)
    // The monitor of exit tests waits for any child: it never gets past one that nobody reaps.
    for _ in 0..<5_000 where supervisor != nil {
      if supervisor?.reap() != nil { break }
      usleep(1_000)
    }
    try? errors.close()
  }

  var messages: String {
    String(decoding: TemporaryDirectory.read(directory.file("errors")) ?? [], as: UTF8.self)
  }

  func log(_ name: String) -> String {
    String(decoding: TemporaryDirectory.read("\(home)/log/\(name).log") ?? [], as: UTF8.self)
  }

  // MARK: The process

  /// - Parameter output: for standard output and error; by default a file, see `messages`.
  func spawn(
    _ arguments: [String], home: String? = nil, environment: [String: String] = [:], output: FileDescriptor? = nil,
    wrappedIn wrapper: [String] = []
  ) throws {
    let output = output ?? errors
    let command = wrapper + [directory.file("p2p-supervisor"), "run"] + arguments
    let child = try ChildProcess(
      ProcessSpecification(
        executable: command[0], arguments: Array(command.dropFirst()),
        environment: ["PATH": "/usr/bin:/bin", "P2P_HOME": home ?? self.home, "USER": "tester"]
          .merging(environment) { $1 },
        descriptors: [.init(source: output.rawValue, target: 1), .init(source: output.rawValue, target: 2)]))
    supervisor = consume child
  }

  /// Starts it and waits until its control socket answers.
  func start(
    _ arguments: String..., environment: [String: String] = [:], output: FileDescriptor? = nil
  ) async throws {
    try spawn(arguments, environment: environment, output: output)
    let answers = await eventually(within: .seconds(20)) { (try? control()) != nil }
    try #require(answers, "\(messages)")
  }

  /// Starts it by another program, which executes its arguments.
  func start(wrappedIn wrapper: [String], _ arguments: [String]) async throws {
    try spawn(arguments, wrappedIn: wrapper)
    let answers = await eventually(within: .seconds(20)) { (try? control()) != nil }
    try #require(answers, "\(messages)")
  }

  var processIdentifier: Int32? { supervisor?.pid }

  /// How it ended, within 20 s.
  func end() async throws -> Termination {
    var termination: Termination?
    let ended = await eventually(within: .seconds(20)) {
      termination = supervisor?.reap()
      return termination != nil
    }
    try #require(ended, "\(messages)")
    supervisor = nil
    return try #require(termination)
  }

  // MARK: Its control socket

  func control() throws -> RawConnection {
    let connection = try RawConnection(path: "\(home)/run/supervisor.sock", timeout: .seconds(20))
    let hello = try connection.ask(#"{"id":0,"op":"hello","protocol":1}"#)
    #expect(hello["status"] == 200)
    return connection
  }

  func status() throws -> [String: ProcessStatus] {
    let connection = try control()
    try connection.send(#"{"id":1,"op":"status"}"#)
    var rows: [String: ProcessStatus] = [:]
    while true {
      let line = try connection.reply()
      guard line["event"] == "process" else { return rows }
      let row = try ProcessStatus(line)
      rows[row.name] = row
    }
  }

  func status(_ name: String) throws -> ProcessStatus {
    try #require(try status()[name])
  }

  /// Waits for a matching row.
  func awaitStatus(_ name: String, _ isWanted: (ProcessStatus) -> Bool) async throws -> ProcessStatus {
    var row: ProcessStatus?
    let found = try await eventually(within: .seconds(20)) {
      row = try status()[name]
      return row.map(isWanted) ?? false
    }
    try #require(found, "\(String(describing: row))\n\(messages)")
    return try #require(row)
  }

  func ask(_ line: String) throws -> JSONValue {
    try control().ask(line)
  }

  /// The pid of the process that answers at an address of a child.
  static func answerer(at address: String) throws -> Int64? {
    try RawConnection(to: Endpoint(address)).reply()["pid"]?.integer
  }

  func answerer(atSocketOf peer: String) throws -> JSONValue {
    try RawConnection(path: "\(home)/run/\(peer).sock").reply()
  }
}
