// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import DocumentModel
import Glibc
import LineJSON
import ProcessSupport
import TestSupport
import Testing
import WireProtocol

/// What `supervisor start` remembers, and what it reports at its end.
@Suite struct RememberedStartTests {
  private static let row =
    #"{"event":"process","name":"alice","role":"peer","pid":7,"state":"ready","responsive":true,"restarts":0,"#
    + #""address":"127.0.0.1:40001","since":"2026-01-02T03:04:05Z"}"#

  private let fixture: CommandFixture

  init() throws {
    fixture = try CommandFixture()
    for directory in ["state", "state/supervisor"] { mkdir(fixture.home.file(directory), 0o700) }
  }

  private var path: String { fixture.home.file("state/supervisor/start.json") }

  private func supervisor() throws -> ScriptedDaemon {
    try ScriptedDaemon(at: fixture.socket("supervisor")) { line in
      let id = ((try? Jansson.decode(line.utf8))?["id"]?.integer) ?? -1
      if line.contains("hello") { return [.line(ScriptedDaemon.supervisorGreeting)] }
      if line.contains("wait") { return [.line(#"{"id":\#(id),"status":200,"ready":true}"#)] }
      return [.line(Self.row), .line(#"{"id":\#(id),"status":200,"processes":1}"#)]
    }
  }

  @Test(arguments: [
    (["--serve-index", ":7734"], false, true), (["--serve-index", ":7734", "--open"], true, true),
    (["--serve-index", ":7734", "--peer", "bob"], false, false), (["--peer", "bob=:1"], true, true),
    (["--peer", "alice=:1"], true, false), (["--index", "192.0.2.1:7734"], true, false), ([], true, false),
    (["--config", "/etc/x"], false, false),
  ])
  func `a start of an index alone gets a peer, and one of other peers that which is named`(
    flags: [String], isWanted: Bool, isAdded: Bool
  ) throws {
    let found = RememberedStart(flags: flags).adding(try PeerName("alice"), isWanted: isWanted)
    #expect(found.flags == flags + (isAdded ? ["--peer", "alice"] : []))
  }

  /// Starts a supervisor that answers at its third chance.
  private func startSuccessfully(_ arguments: [String]) async throws {
    try fixture.install("#!/bin/sh\necho $$ > '\(fixture.home.path)/pid'\nexec /bin/sleep 60\n")
    var served: ScriptedDaemon?
    var looks = 0
    fixture.now = {
      looks += 1
      if looks == 3 { served = try? supervisor() }
      return .now
    }
    #expect(CommandRunner.run(["supervisor", "start"] + arguments, on: fixture.console) == .done)
    #expect(served != nil)
    let isWritten = await eventually { TemporaryDirectory.read(fixture.home.file("pid"))?.isEmpty == false }
    try #require(isWritten)
    let digits = String(decoding: TemporaryDirectory.read(fixture.home.file("pid")) ?? [], as: UTF8.self)
    let pid = try #require(pid_t(digits.filter(\.isNumber)))
    kill(pid, SIGKILL)
    waitpid(pid, nil, 0)
    served = nil
    unlink(fixture.socket("supervisor"))
    fixture.now = { .now }
  }

  /// The arguments of a supervisor that is started and fails.
  private func arguments(of command: String...) throws -> String {
    try fixture.install("#!/bin/sh\necho \"[$@]\"\nexit 1\n")
    let before = fixture.errors.text.count
    #expect(CommandRunner.run(["supervisor", "start"] + command, on: fixture.console) == .failed)
    let text = fixture.errors.text.dropFirst(before)
    guard let open = text.firstIndex(of: "["), let close = text.lastIndex(of: "]") else { return "" }
    return String(text[text.index(after: open)..<close]).replacing("run --home \(fixture.home.path)", with: "run")
  }

  @Test func `flags are repeated until they are forgotten`() async throws {
    try await startSuccessfully(["--index", "h:1", "--peer", "alice", "--config", "c.toml"])
    #expect(
      TemporaryDirectory.read(path)
        == Array(#"{"flags":["--index","h:1","--peer","alice","--config","/w/c.toml"]}"#.utf8) + [0x0A])
    #expect(
      try arguments() == "run --index h:1 --peer alice --config /w/c.toml --keep-connect",
      "a choice by connect is later than the remembered index")
    #expect(fixture.errors.text.contains("Starting as before: --index h:1 --peer alice --config /w/c.toml\n"))
    #expect(try arguments(of: "--peer", "bob") == "run --peer bob")
    #expect(try arguments() != "run", "a start that failed is not remembered")
    #expect(try arguments(of: "--fresh") == "run")
    #expect(try arguments() == "run")
  }

  @Test func `start without flags is remembered as such`() async throws {
    try await startSuccessfully([])
    #expect(TemporaryDirectory.read(path) == Array("{\"flags\":[]}\n".utf8))
    #expect(try arguments() == "run")
    #expect(!fixture.errors.text.contains("Starting as before"))
  }

  @Test(
    arguments: [
      (["--index", "h:1", "--peer", "alice"], ["--index", "h:2"], "--peer alice"),
      (["--peer", "alice=:4", "--peer", "bob"], ["--peer", "alice"], "--peer bob"),
      (["--serve-index", ":7734"], ["--index", "h:2"], "--serve-index :7734"),
      (["--serve-index", ":7734"], ["--serve-index", ":1"], ""), ([], ["--peer", "a"], ""),
      (["--index", "--peer"], ["--peer", "a"], ""),
      (["--serve-index", ":1", "--peer", "a", "--open"], ["--peer", "a"], "--serve-index :1 --open"),
      (["--open", "--serve-index", ":1"], ["--serve-index", ":2"], ""),
    ] as [([String], [String], String)])
  func `processes that flags leave out are known`(before: [String], after: [String], dropped: String) {
    #expect(RememberedStart(flags: before).dropped(by: after).text == dropped)
  }

  @Test func `start names what it no longer starts`() throws {
    try fixture.home.write(
      "state/supervisor/start.json", Array(#"{"flags":["--serve-index",":1","--peer","alice"]}"#.utf8))
    #expect(try arguments(of: "--index", "h:2") == "run --index h:2")
    #expect(
      fixture.errors.text.hasPrefix(
        "No longer started, because flags name exactly what starts: --serve-index :1 --peer alice\n"))
  }

  @Test func `running supervisor keeps its flags`() throws {
    let supervisor = try supervisor()
    let memory = Array(#"{"flags":["--peer","alice"]}"#.utf8)
    try fixture.home.write("state/supervisor/start.json", memory)
    #expect(fixture.run("supervisor", "start", "--fresh") == .done)
    #expect(fixture.errors.text.contains("Already running. To start it with other flags, stop it first"))
    #expect(TemporaryDirectory.read(path) == memory)
    _ = supervisor
  }

  @Test func `configuration file decides instead`() async throws {
    mkdir(fixture.home.file("config"), 0o700)
    try fixture.home.write("config/p2p.toml", [])
    try await startSuccessfully(["--index", "h:1"])
    #expect(TemporaryDirectory.read(path) == nil)
    try fixture.home.write("state/supervisor/start.json", Array(#"{"flags":["--index","h:1"]}"#.utf8))
    #expect(try arguments() == "run")
  }

  @Test(arguments: ["", "{}", #"{"flags":1}"#, #"{"flags":["--index"]}"#, #"{"flags":[7]}"#, #"{"flags":["--evil"]}"#])
  func `damaged memory starts nothing else`(text: String) throws {
    try fixture.home.write("state/supervisor/start.json", Array(text.utf8))
    try fixture.install("#!/bin/sh\nexit 1\n")
    #expect(fixture.run("supervisor", "start") == .noInput)
    #expect(fixture.errors.text.contains("cannot read the flags of the last start: it is damaged"))
    #expect(fixture.errors.text.contains("--fresh"))
  }

  @Test(.timeLimit(.minutes(1))) func `FIFO in place of the memory is reported`() throws {
    #expect(mkfifo(path, 0o600) == 0)
    try fixture.install("#!/bin/sh\nexit 1\n")
    #expect(fixture.run("supervisor", "start") == .noInput)
    #expect(fixture.errors.text.contains("start.json"))
  }

  // MARK: The last line

  @Test(arguments: [
    (true, "settings", "", "alice: connected to the index at 127.0.0.1:7734"),
    (
      true, "connect", "",
      "alice: connected to the index at 127.0.0.1:7734 (chosen with connect; the one of the flags or the configuration: "
        + "p2pctl connect --default)"
    ),
    (
      false, "settings", #","error":"Connection refused""#,
      "alice: NOT connected to the index at 127.0.0.1:7734: Connection refused; retrying. "
        + "Use another with: p2pctl connect HOST[:PORT]"
    ),
  ])
  func `start ends with the connection to the index`(connected: Bool, source: String, more: String, line: String) throws
  {
    let supervisor = try supervisor()
    let status = Sample.status.replacing("\"connected\":true", with: "\"connected\":\(connected)")
      .replacing("\"source\":\"settings\"", with: "\"source\":\"\(source)\"\(more)")
    let alice = try ScriptedDaemon(at: fixture.socket("alice"), .line(status))
    #expect(fixture.run("supervisor", "start") == .done)
    #expect(fixture.output.text.hasSuffix("\n\(line)\n"), "\(fixture.output.text)")
    let rows = fixture.output.text.count
    #expect(fixture.run("supervisor", "start", "--json") == .done)
    #expect(!fixture.output.text.dropFirst(rows).contains("index at"), "only JSON on standard output")
    #expect(fixture.errors.text.hasSuffix("\(line)\n"))
    _ = (supervisor, alice)
  }
}

@Suite struct StartAdviceTests {
  private func advice(_ kind: Layout.Kind, isRoot: Bool = false, _ change: (inout StartAdvice) -> Void = { _ in })
    -> String
  {
    var advice = StartAdvice(kind: kind, isRoot: isRoot)
    change(&advice)
    return advice.command
  }

  @Test func `command fits the installation`() {
    #expect(advice(.home) == "p2pctl supervisor start")
    #expect(advice(.home) { $0.home = "/h" } == "p2pctl supervisor start --home /h")
    #expect(advice(.system) == "sudo p2pctl supervisor start")
    #expect(advice(.system, isRoot: true) == "p2pctl supervisor start")
    #expect(advice(.system) { $0.isService = true } == "sudo systemctl start p2p")
    #expect(advice(.system, isRoot: true) { $0.isService = true } == "systemctl start p2p")
    #expect(advice(.user) { $0.isService = true } == "systemctl --user start p2p")
    let hasRun = { (advice: inout StartAdvice) in advice.hasRun = true }
    #expect(advice(.user, hasRun) == "p2p-supervisor run, with the flags that it had before")
    #expect(
      advice(.user) {
        $0.hasRun = true
        $0.isRemembered = true
      } == "p2pctl supervisor start")
    #expect(StartAdvice(kind: .system, isRoot: false).command("start", "alice") == "sudo p2pctl supervisor start alice")
  }

  @Test func `message names it`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("Start it with: p2pctl supervisor start\n"))
    for directory in ["state", "state/supervisor"] { mkdir(fixture.home.file(directory), 0o700) }
    try fixture.home.write("state/supervisor/lock", [])
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("Start it with: p2p-supervisor run, with the flags that it had before\n"))
    try fixture.home.write("state/supervisor/start.json", [])
    let before = fixture.errors.text.count
    #expect(fixture.run("supervisor", "status", "--home", fixture.home.path) == .unavailable)
    #expect(
      fixture.errors.text.dropFirst(before).contains(
        "Start it with: p2pctl supervisor start --home \(fixture.home.path)\n"))
  }
}

@Suite struct ListenerTrustTests {
  @Test(
    arguments: [
      (1000, 1000, nil, true), (0, 1000, nil, true), (0, 0, nil, true), (1001, 1000, nil, false),
      (1001, 1000, 1001, false),
      (1001, 0, nil, false), (1001, 0, 1001, true), (1001, 0, 1002, false), (1001, 0, 0, true),
      (1001, 1000, 0, false),
    ] as [(UInt32, UInt32, UInt32?, Bool)])
  func `own and root's listeners are trusted, for root those of a protected place`(
    listener: UInt32, caller: UInt32, owner: UInt32?, isTrusted: Bool
  ) {
    #expect(ListenerTrust.isTrusted(listener: listener, caller: caller, owner: owner) == isTrusted)
  }
}

/// A supervisor that runs without a socket.
@Suite struct LockedSupervisorTests {
  @Test func `lock without a known process is reported`() throws {
    let fixture = try CommandFixture()
    for directory in ["state", "state/supervisor"] { mkdir(fixture.home.file(directory), 0o700) }
    let path = try fixture.home.write("state/supervisor/lock", Array("\(getpid())\n".utf8))
    let lock = open(path, O_RDWR | O_CLOEXEC)
    defer { close(lock) }
    #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
    // Each look at the clock is late enough.
    var time = ContinuousClock.now
    fixture.now = {
      time += .seconds(5)
      return time
    }
    for command in ["start", "status"] {
      let before = fixture.errors.text.count
      #expect(fixture.run("supervisor", command) == .unavailable)
      let text = fixture.errors.text.dropFirst(before)
      #expect(text.contains("the supervisor is running, but its control socket is missing or dead"), "\(text)")
      #expect(text.contains("To end it: p2pctl supervisor stop"))
    }
    // This process holds the lock, and is no supervisor: it is not signalled.
    #expect(fixture.run("supervisor", "stop") == .failed)
    #expect(fixture.errors.text.contains("pgrep -a p2p-supervisor"))
    #expect(flock(lock, LOCK_UN) == 0)
    #expect(fixture.run("supervisor", "stop") == .done)
    #expect(fixture.errors.text.contains("nothing to stop"))
  }
}
