// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Glibc
import LineJSON
import POSIXSupport
import TestSupport
import Testing

/// `p2pctl doctor` with scripted daemons.
@Suite struct DoctorCommandTests {
  private static let examination =
    #"{"id":3,"status":200,"index":{"server":"p2p-index/0.1.0","seconds":0.25,"skew":0},"#
    + #""uploads":{"address":"127.0.0.1:40001","reachable":true}}"#

  private func daemon(_ fixture: CommandFixture, examination: String = examination) throws -> ScriptedDaemon {
    try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains("hello") { return [.line(ScriptedDaemon.greeting)] }
      return [.line(line.contains(#""op":"doctor""#) ? examination : Sample.status)]
    }
  }

  /// A home without problems.
  private func fixture() throws -> CommandFixture {
    let fixture = try CommandFixture()
    for directory in ["state", "state/alice"] { mkdir(fixture.home.file(directory), 0o700) }
    try fixture.home.write("state/alice/key.pem", [])
    chmod(fixture.home.file("state/alice/key.pem"), 0o600)
    return fixture
  }

  @Test func `healthy home has no problems`() throws {
    let fixture = try fixture()
    let daemon = try daemon(fixture)
    chmod(fixture.socket("alice"), 0o600)
    #expect(fixture.run("doctor") == .done)
    #expect(fixture.output.text.contains("ok       sockets       alice answers\n"))
    #expect(fixture.output.text.contains("ok       rights        sockets, state and keys are closed to other users\n"))
    #expect(fixture.output.text.contains("ok       index         alice's index 127.0.0.1:7734 answers in 250 ms"))
    #expect(fixture.output.text.contains("ok       disk          enough space at \(fixture.home.path)"))
    #expect(fixture.output.text.contains("ok       descriptors   enough file descriptors: alice "))
    #expect(fixture.errors.text == "No problems found.\n")
    #expect(daemon.requests.count == 2)
  }

  @Test func `empty home suggests a start`() throws {
    let fixture = try fixture()
    fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
    #expect(fixture.run("doctor") == .failed)
    // The path may need a line of its own.
    let words = fixture.output.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(
      words.hasPrefix(
        "problem sockets nothing is running: there is no supervisor at \(fixture.socket("supervisor")) "
          + "-> Start everything: p2pctl supervisor start"))
    #expect(fixture.errors.text == "1 problem.\n")
  }

  @Test func `each finding is a JSON object`() throws {
    let fixture = try fixture()
    let daemon = try daemon(fixture)
    chmod(fixture.socket("alice"), 0o600)
    chmod(fixture.home.file("state/alice/key.pem"), 0o644)
    #expect(fixture.run("doctor", "--json") == .failed)
    let rows = try fixture.rows()
    let bad = try #require(rows.first { $0["severity"] == "problem" })
    #expect(bad["check"] == "rights")
    #expect(bad["cure"]?.string?.hasPrefix("Fix it: chmod 600 \(fixture.home.path)") == true)
    #expect(rows.allSatisfy { $0["message"]?.string?.isEmpty == false })
    #expect(rows.first { $0["severity"] == "ok" }?["cure"] == nil)
    #expect(fixture.errors.text.isEmpty)
    _ = daemon
  }

  @Test func `lost sockets of running processes are found by their locks`() throws {
    let fixture = try fixture()
    mkdir(fixture.home.file("state/supervisor"), 0o700)
    let supervisor = try FileLock(fixture.home.file("state/supervisor/lock"))
    let alice = try FileLock(fixture.home.file("state/alice/lock"))
    #expect(fixture.run("doctor") == .failed)
    #expect(fixture.output.text.contains("the supervisor runs, but its socket \(fixture.socket("supervisor")) is gone"))
    #expect(fixture.output.text.contains("alice is running, but its socket \(fixture.socket("alice")) is gone"))
    #expect(!fixture.output.text.contains("not running"))
    #expect(fixture.errors.text == "2 problems.\n")
    supervisor.release()
    alice.release()
  }

  @Test func `each path is judged once`() throws {
    let fixture = try fixture()
    let daemons = try ["alice", "bob"].map { try ScriptedDaemon(at: fixture.socket($0)) { _ in [.silence] } }
    fixture.helloTimeout = .milliseconds(100)
    for name in ["alice", "bob"] { chmod(fixture.socket(name), 0o600) }
    chmod(fixture.home.file("run"), 0o777)
    #expect(fixture.run("doctor") == .failed)
    #expect(fixture.output.text.split(separator: "\n").count { $0.contains("is writable by other users") } == 1)
    _ = daemons
  }

  @Test func `supervisor without peers is no problem`() throws {
    let fixture = try fixture()
    let supervisor = try ScriptedDaemon(
      at: fixture.socket("supervisor"), greeting: ScriptedDaemon.supervisorGreeting,
      .line(
        #"{"event":"process","name":"index","role":"index","pid":1,"state":"ready","responsive":true,"#
          + #""restarts":0,"address":"","since":"2026-01-02T03:04:05Z"}"#),
      .line(#"{"id":2,"status":200,"processes":1}"#))
    #expect(fixture.run("doctor") == .done)
    _ = supervisor
  }

  @Test func `directory in the place of a socket is found`() throws {
    let fixture = try fixture()
    mkdir(fixture.socket("alice"), 0o755)
    #expect(fixture.run("doctor", "--peer", "alice") == .failed)
    #expect(fixture.output.text.contains("\(fixture.socket("alice")) is a directory"))
    #expect(!fixture.output.text.contains("chmod"))
  }

  @Test func `older daemon is judged by its status`() throws {
    let fixture = try fixture()
    let daemon = try daemon(
      fixture, examination: #"{"id":3,"status":501,"error":"unknown-operation","message":"there is no doctor"}"#)
    chmod(fixture.socket("alice"), 0o600)
    #expect(fixture.run("doctor", "--peer", "alice") == .done)
    #expect(fixture.output.text.contains("alice's index 127.0.0.1:7734 is connected\n"))
    #expect(fixture.run("doctor", "--socket", daemon.path) == .done)
  }

  @Test func `silent daemon does not block doctor`() throws {
    let fixture = try fixture()
    fixture.helloTimeout = .milliseconds(100)
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { _ in [.silence] }
    #expect(fixture.run("doctor") == .failed)
    #expect(fixture.output.text.contains("alice does not answer"))
    _ = daemon
  }

  @Test func `text from a daemon is escaped`() throws {
    let fixture = try fixture()
    let daemon = try daemon(
      fixture, examination: #"{"id":3,"status":200,"index":{"error":"\u001b[2J"}}"#)
    #expect(fixture.run("doctor") == .failed)
    #expect(fixture.output.text.contains(#"does not answer: \u{1B}[2J"#))
    #expect(!fixture.output.text.contains("\u{1B}"))
    _ = daemon
  }

  @Test func `selected peer is checked alone`() throws {
    let fixture = try fixture()
    let daemon = try daemon(fixture)
    chmod(fixture.socket("alice"), 0o600)
    let bob = try ScriptedDaemon(at: fixture.socket("bob")) { _ in [.silence] }
    #expect(fixture.run("doctor", "--peer", "alice") == .done)
    #expect(fixture.run("doctor", "--socket", fixture.socket("alice"), "--json") == .done)
    #expect(!fixture.output.text.contains("bob"))
    _ = (daemon, bob)
  }

  @Test func `missing selected peer is a problem`() throws {
    let fixture = try fixture()
    let daemon = try daemon(fixture)
    #expect(fixture.run("doctor", "--peer", "carol") == .failed)
    #expect(fixture.errors.text == "1 problem.\n")
    _ = daemon
  }

  @Test func `processes of the supervisor are checked`() throws {
    let fixture = try fixture()
    let daemon = try daemon(fixture)
    chmod(fixture.socket("alice"), 0o600)
    let supervisor = try ScriptedDaemon(
      at: fixture.socket("supervisor"), greeting: ScriptedDaemon.supervisorGreeting,
      .line(
        #"{"event":"process","name":"alice","role":"peer","pid":\#(getpid()),"state":"ready","responsive":true,"#
          + #""restarts":0,"address":"","since":"2026-01-02T03:04:05Z"}"#),
      .line(
        #"{"event":"process","name":"index","role":"index","pid":null,"state":"parked","responsive":true,"#
          + #""restarts":1,"address":"","since":"2026-01-02T03:04:05Z","reason":"exited with status 73"}"#),
      .line(#"{"id":2,"status":200,"processes":2}"#))
    #expect(fixture.run("doctor") == .failed)
    #expect(
      fixture.output.text.contains(
        """
        problem  processes     index is parked after 1 restart (exited with status 73)
                               -> p2pctl logs index, then: p2pctl supervisor start index

        """))
    #expect(fixture.output.text.contains("enough file descriptors: alice "))
    #expect(fixture.errors.text == "1 problem.\n")
    _ = (daemon, supervisor)
  }

  @Test func `findings are emphasised by severity`() throws {
    let fixture = try fixture()
    let daemon = try daemon(fixture)
    chmod(fixture.socket("alice"), 0o644)
    fixture.terminal = Console.Terminal(isOutput: true, style: .ansi)
    #expect(fixture.run("doctor") == .failed)
    #expect(fixture.output.text.contains("ok       sockets       "))
    #expect(fixture.output.text.contains("\u{1B}[1;31mproblem  \u{1B}[0mrights"))
    #expect(fixture.output.text.contains("-> Fix it: chmod 600 \(fixture.socket("alice"))\n"))
    _ = daemon
  }
}
