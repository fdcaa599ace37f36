// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Glibc
import LineJSON
import Testing
import TestSupport

/// Daemons that are missing, silent or malformed.
@Suite struct DaemonErrorTests {
  @Test func `missing daemon is reported with path and cure`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("the daemon of peer alice"))
    #expect(fixture.errors.text.contains(fixture.socket("alice")))
    #expect(fixture.errors.text.contains("p2pctl supervisor start"))
    #expect(fixture.output.text.isEmpty)
  }

  @Test func `peer that has never run here is not to be started by a plain start`() throws {
    let fixture = try CommandFixture()
    for directory in ["state", "state/alice"] { mkdir(fixture.home.file(directory), 0o700) }
    try fixture.home.write("state/alice/key.pem", [])
    #expect(fixture.run("status", "--peer", "nobody") == .unavailable)
    #expect(
      fixture.errors.text.hasSuffix(
        "  No peer nobody has run here. To run one: p2pctl supervisor start --peer nobody\n  Peers here: alice\n"))
    #expect(fixture.run("status", "--peer", "alice") == .unavailable)
    #expect(fixture.errors.text.hasSuffix("Start it with: p2pctl supervisor start\n"))
  }

  @Test func `suggested key is one word of a shell`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.failure(504, "no-source", "so it is")))
    #expect(fixture.run("get", "file/a b.txt") != .done)
    #expect(fixture.errors.text.hasSuffix("p2pctl lookup file/a\\ b.txt\n"))
    _ = daemon
  }

  @Test func `stale socket is reported`() throws {
    let fixture = try CommandFixture()
    try UnixListener.abandon(at: fixture.socket("alice"))
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("nothing is listening"))
  }

  @Test func `file in place of a socket is reported`() throws {
    let fixture = try CommandFixture()
    try fixture.home.write("file", [])
    #expect(fixture.run("status", "--socket", fixture.home.file("file")) == .unavailable)
  }

  @Test func `socket path that is too long is reported`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("status", "--socket", "/" + String(repeating: "x", count: 107)) == .unavailable)
    #expect(fixture.errors.text.contains("at most 107"))
    #expect(fixture.run("status", "--socket", "/" + String(repeating: "x", count: 106)) == .unavailable)
    #expect(fixture.errors.text.contains("the socket does not exist"))
  }

  @Test func `daemon that never greets times out`() throws {
    let fixture = try CommandFixture()
    fixture.helloTimeout = .milliseconds(100)
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { _ in [.silence] }
    let start = ContinuousClock.now
    #expect(fixture.run("status") == .unavailable)
    #expect(ContinuousClock.now - start >= .milliseconds(100))
    #expect(fixture.errors.text.contains("no answer within"))
    _ = daemon
  }

  @Test func `daemon that never accepts times out`() throws {
    let fixture = try CommandFixture()
    fixture.helloTimeout = .milliseconds(100)
    let listener = try UnixListener.listen(at: fixture.socket("alice"))
    defer { close(listener) }
    #expect(fixture.run("status") == .unavailable)
  }

  @Test func `supervisor's report is shown`() throws {
    let fixture = try CommandFixture()
    let supervisor = try ScriptedDaemon(
      at: fixture.socket("supervisor"), greeting: ScriptedDaemon.supervisorGreeting,
      .line(
        #"{"event":"process","name":"alice","role":"peer","pid":null,"state":"parked","responsive":true,"restarts":5,"#
          + #""address":"","since":"2026-01-02T03:04:05Z","reason":"exited with status 1"}"#),
      .line(#"{"id":2,"status":200,"processes":1}"#))
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("alice is parked after 5 restarts (exited with status 1)"))
    #expect(fixture.run("status", "--peer", "bob") == .unavailable)
    #expect(fixture.errors.text.contains("The supervisor runs: alice."))
    _ = supervisor
  }

  @Test func `refusal instead of a greeting is shown`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { _ in
      [
        .line(#"{"id":null,"status":503,"error":"unavailable","message":"alice is backing off","retry_after":2}"#),
        .close,
      ]
    }
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("alice is backing off"))
    #expect(fixture.errors.text.contains("Try again in 2 s."))
    _ = daemon
  }

  @Test(arguments: ["stopped", "parked"])
  func `stopped or parked peer names its command and no time`(state: String) throws {
    let fixture = try CommandFixture()
    let message = "alice is \(state); start it with: p2pctl supervisor start alice"
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { _ in
      [
        .line(
          #"{"id":null,"status":503,"error":"unavailable","message":"\#(message)","retry_after":30,"state":"\#(state)"}"#
        ),
        .close,
      ]
    }
    #expect(fixture.run("status") == .unavailable)
    let cause = state == "parked" ? "  Find the cause: p2pctl logs\n" : ""
    #expect(fixture.errors.text == "p2pctl: \(message)\n\(cause)")
    let before = fixture.errors.text.count
    #expect(fixture.run("status", "--json") == .unavailable)
    let object = try Jansson.decode(fixture.errors.text.dropFirst(before).utf8)
    #expect(object["state"]?.string == state && object["retry_after"] == nil)
    _ = daemon
  }

  @Test(arguments: [
    "HTTP/1.1 400 Bad Request", "", "[]", "{}", #"{"id":1}"#, #"{"id":2,"status":200}"#, #"{"id":1,"status":"200"}"#,
    #"{"id":1,"status":200,"protocol":1}"#, #"{"event":"hashing"}"#, "{\"id\":1,\"id\":1}", "\u{0}",
  ])
  func `malformed greeting is reported`(line: String) throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { _ in [.line(line)] }
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("malformed reply"))
    _ = daemon
  }

  @Test(arguments: [
    #"{"id":2,"status":200}"#, #"{"id":3,"status":200}"#, #"{"event":"document","key":5}"#, "nonsense",
  ])
  func `malformed reply is reported`(line: String) throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(line))
    #expect(fixture.run("list") == .unavailable)
    #expect(fixture.errors.text.contains("malformed reply"))
    _ = daemon
  }

  @Test func `refusal without a code is reported with its status`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(#"{"id":2,"status":404}"#))
    #expect(fixture.run("list") == .failed)
    #expect(fixture.errors.text.contains("refused with status 404"))
    _ = daemon
  }

  @Test func `invalid UTF-8 is an error`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .bytes([0xFF, 0xFE, 0x0A]))
    #expect(fixture.run("status") == .unavailable)
    _ = daemon
  }

  @Test func `endless line is rejected`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"), .bytes([UInt8](repeating: 0x20, count: (1 << 20) + 70_000)))
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("1048576 bytes"))
    _ = daemon
  }

  @Test func `reply in pieces is assembled`() throws {
    let fixture = try CommandFixture()
    let line = Array((Sample.status + "\n").utf8)
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"), .bytes(Array(line.prefix(1))), .bytes(Array(line.dropFirst().prefix(70))),
      .bytes(Array(line.dropFirst(71))))
    #expect(fixture.run("status") == .done)
    _ = daemon
  }

  @Test func `daemon that dies during a request is reported`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .bytes(Array(#"{"id":2,"#.utf8)), .close)
    #expect(fixture.run("get", "rfc/1") == .unavailable)
    #expect(fixture.errors.text.contains("closed the connection"))
    _ = daemon
  }

  @Test func `supervisor socket is not taken for a peer`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), greeting: ScriptedDaemon.supervisorGreeting)
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("the socket belongs to a supervisor"))
    _ = daemon
  }

  @Test func `connection closes with the command`() async throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.status))
    #expect(fixture.run("status") == .done)
    #expect(await eventually { daemon.endedConnections == 1 })
  }

  // MARK: Hints

  @Test(arguments: [
    (503, "unavailable", "Check for problems: p2pctl doctor"),
    (300, "several-contents", "Choose one with --newest, --content PREFIX[:SIZE] or --from PEER."),
    (300, "ambiguous-peer", "Select one by the start of its id: --from PREFIX."),
    (504, "no-source", "List them with: p2pctl lookup rfc/793"), (502, "verification-failed", "Nothing was kept."),
    (410, "changed", "Add the file again"), (501, "unknown-operation", "restart the daemon"),
    (505, "unsupported-protocol", "restart the daemon"), (403, "forbidden", nil),
    (404, "not-found", nil), (400, "bad-request", nil), (500, "internal", nil),
  ])
  func `refusal carries a hint if there is one`(status: Int, code: String, hint: String?) throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.failure(status, code, "so it is")))
    #expect(fixture.run("get", "793") != .done)
    let lines = fixture.errors.text.split(separator: "\n")
    #expect(lines.count == (hint == nil ? 1 : 2), "\(lines)")
    if let hint { #expect(lines.last?.contains(hint) == true, "\(lines)") }
    _ = daemon
  }

  @Test func `refusal names its limit and when to retry`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"),
      .line(Sample.failure(429, "too-many", "busy", #","limit":"con\u001bnections","value":64,"retry_after":9"#)))
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text == "p2pctl: busy\n  limit: con\\u{1B}nections = 64\n  Try again in 9 s.\n")
    _ = daemon
  }

  @Test func `message from a daemon is escaped`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"), .line(Sample.failure(404, "not-found", #"no \u001b[2J\u202e"#)))
    #expect(fixture.run("lookup", "1") == .notFound)
    #expect(fixture.errors.text == "p2pctl: no \\u{1B}[2J\\u{202E}\n")
    _ = daemon
  }

  @Test func `request that the daemon does not read times out`() throws {
    let fixture = try CommandFixture()
    // The greeting is in the queue of the connection; nothing reads the request.
    let listener = try UnixListener.listen(at: fixture.socket("alice"))
    defer { close(listener) }
    fixture.helloTimeout = .milliseconds(50)
    #expect(fixture.run("status", "--json") == .unavailable)
    #expect(fixture.errors.text.contains("no answer within 0 s"))
    #expect(fixture.errors.text.contains("p2pctl supervisor restart"))
    #expect(fixture.output.text.isEmpty)
  }

  @Test func `errors are emphasised on a terminal with style only`() throws {
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isErrors: true, style: .ansi)
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.hasPrefix("\u{1B}[1;31mp2pctl:\u{1B}[0m cannot talk to"))
    let plain = try CommandFixture()
    plain.terminal = Console.Terminal(isOutput: true, style: .ansi)
    #expect(plain.run("status") == .unavailable)
    #expect(!plain.errors.text.contains("\u{1B}"))
  }

  // MARK: Selecting a peer

  @Test func `only peer is selected`() throws {
    let fixture = try CommandFixture()
    let bob = try ScriptedDaemon(at: fixture.socket("bob"), .line(Sample.status))
    #expect(fixture.run("status") == .done)
    #expect(bob.requests.count == 1)
  }

  @Test func `user's own peer is selected among several`() throws {
    let fixture = try CommandFixture()
    let bob = try ScriptedDaemon(at: fixture.socket("bob"), .line(Sample.status))
    let alice = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.status))
    #expect(fixture.run("status") == .done)
    #expect(fixture.run("status", "--peer", "bob") == .done)
    #expect(alice.requests.count == 1)
    #expect(bob.requests.count == 1)
  }

  @Test func `other peers must be selected by name`() throws {
    let fixture = try CommandFixture()
    let bob = try ScriptedDaemon(at: fixture.socket("bob"), .line(Sample.status))
    let carol = try ScriptedDaemon(at: fixture.socket("carol"), .line(Sample.status))
    #expect(fixture.run("status") == .usage)
    #expect(fixture.errors.text.contains("bob, carol"))
    #expect(fixture.run("--socket", fixture.socket("carol"), "status") == .done)
    #expect((bob.requests.count, carol.requests.count) == (0, 1))
  }

  @Test func `stale sockets are no choice`() throws {
    let fixture = try CommandFixture()
    try UnixListener.abandon(at: fixture.socket("dave"))
    let bob = try ScriptedDaemon(at: fixture.socket("bob"), .line(Sample.status))
    #expect(fixture.run("status") == .done)
    #expect(bob.requests.count == 1)
  }
}
