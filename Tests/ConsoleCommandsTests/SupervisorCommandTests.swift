// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Glibc
import LineJSON
import TestSupport
import Testing

/// Commands against a scripted supervisor.
@Suite struct SupervisorCommandTests {
  private static let row =
    #"{"event":"process","name":"alice","role":"peer","pid":7,"state":"ready","responsive":true,"restarts":0,"#
    + #""address":"127.0.0.1:40001","since":"2026-01-02T03:04:05Z"}"#
  private static let parked =
    #"{"event":"process","name":"bob","role":"peer","pid":null,"state":"parked","responsive":false,"restarts":5,"#
    + #""address":"","since":"2026-01-02T03:04:05Z","reason":"bad settings"}"#

  private func id(_ line: String) -> Int64 {
    ((try? Jansson.decode(line.utf8))?["id"]?.integer) ?? -1
  }

  private func supervisor(_ fixture: CommandFixture, ready: Bool = true) throws -> ScriptedDaemon {
    try ScriptedDaemon(at: fixture.socket("supervisor")) { line in
      let id = id(line)
      if line.contains("hello") { return [.line(ScriptedDaemon.supervisorGreeting)] }
      if line.contains("status") {
        return [.line(Self.row), .line(Self.parked), .line(#"{"id":\#(id),"status":200,"processes":2}"#)]
      }
      if line.contains("wait") { return [.line(#"{"id":\#(id),"status":200,"ready":\#(ready)}"#)] }
      return [.line(#"{"id":\#(id),"status":200}"#)]
    }
  }

  @Test func `status prints a table`() throws {
    let fixture = try CommandFixture()
    let supervisor = try supervisor(fixture)
    #expect(fixture.run("supervisor", "status") == .done)
    #expect(fixture.output.text.contains("alice  peer  ready                     7         0  127.0.0.1:40001"))
    #expect(fixture.output.text.contains("bob    peer  parked, not responding    -         5"))
    _ = supervisor
  }

  @Test func `status JSON has all fields`() throws {
    let fixture = try CommandFixture()
    let supervisor = try supervisor(fixture)
    #expect(fixture.run("supervisor", "status", "--json") == .done)
    let rows = try fixture.rows()
    #expect(rows.count == 2)
    for row in rows {
      for name in ["name", "role", "pid", "state", "responsive", "restarts", "address", "since"] {
        #expect(row.object?[name] != nil, "\(name)")
      }
    }
    #expect(rows.last?["pid"] == .null)
    _ = supervisor
  }

  @Test func `status without a supervisor is unavailable`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("supervisor", "status") == .unavailable)
    #expect(fixture.errors.text.contains(fixture.socket("supervisor")))
  }

  @Test func `restart waits until all are ready`() throws {
    let fixture = try CommandFixture()
    let supervisor = try supervisor(fixture)
    #expect(fixture.run("supervisor", "restart", "alice") == .done)
    #expect(supervisor.requests.first == #"{"id":2,"op":"restart","name":"alice"}"#)
    #expect(supervisor.requests.count == 3)
  }

  @Test func `process that does not become ready is named`() throws {
    let fixture = try CommandFixture()
    let supervisor = try supervisor(fixture, ready: false)
    #expect(fixture.run("supervisor", "reload") == .failed)
    #expect(fixture.errors.text.contains("bob is parked and not responding after 5 restarts (bad settings)"))
    _ = supervisor
  }

  @Test(arguments: [
    (#""applied":[],"postponed":[]"#, "No settings have changed.\n"),
    (
      #""applied":["index.listen","peers.a\u001b.user"],"postponed":[]"#, "Changed: index.listen, peers.a\\u{1B}.user\n"
    ),
    (
      #""applied":["a"],"postponed":["b","c"]"#,
      "Changed: a\nTakes effect at the next start of the supervisor: b, c\n"
    ),
  ])
  func `reload names the settings`(reply: String, note: String) throws {
    let fixture = try CommandFixture()
    let supervisor = try ScriptedDaemon(at: fixture.socket("supervisor")) { line in
      let id = id(line)
      if line.contains("hello") { return [.line(ScriptedDaemon.supervisorGreeting)] }
      if line.contains("reload") { return [.line(#"{"id":\#(id),"status":200,\#(reply)}"#)] }
      if line.contains("wait") { return [.line(#"{"id":\#(id),"status":200,"ready":true}"#)] }
      return [.line(Self.row), .line(#"{"id":\#(id),"status":200,"processes":1}"#)]
    }
    #expect(fixture.run("supervisor", "reload") == .done)
    #expect(fixture.errors.text == note)
    #expect(fixture.output.text.contains("alice  peer  ready"))
    _ = supervisor
  }

  /// A supervisor whose socket appears while it is waited for.
  private func started(_ fixture: CommandFixture, ready: Bool, _ arguments: String...) async throws -> ExitStatus {
    try fixture.install("#!/bin/sh\necho $$ > '\(fixture.home.path)/pid'\nexec /bin/sleep 60\n")
    var served: ScriptedDaemon?
    var looks = 0
    fixture.now = {
      looks += 1
      if looks == 3 { served = try? supervisor(fixture, ready: ready) }
      return .now
    }
    let status = CommandRunner.run(["supervisor", "start"] + arguments, on: fixture.console)
    #expect(served != nil)
    let pid = try #require(
      await eventually { TemporaryDirectory.read(fixture.home.file("pid"))?.isEmpty == false }
        ? TemporaryDirectory.read(fixture.home.file("pid")) : nil)
    if let number = pid_t(String(decoding: pid, as: UTF8.self).filter(\.isNumber)) {
      kill(number, SIGKILL)
      waitpid(number, nil, 0)
    }
    return status
  }

  @Test func `start waits for the socket and shows the processes`() async throws {
    let fixture = try CommandFixture()
    let alice = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.status))
    #expect(try await started(fixture, ready: true) == .done)
    #expect(fixture.output.text.contains("alice  peer  ready"))
    #expect(fixture.output.text.hasSuffix("\nalice: connected to the index at 127.0.0.1:7734\n"))
    #expect(fixture.errors.text.hasSuffix("Stop it with: p2pctl supervisor stop\n"))
    _ = alice
  }

  @Test func `start with a home tells how to find it`() async throws {
    let fixture = try CommandFixture()
    fixture.homeVariable = "/nonexistent"
    let home = fixture.home.path
    #expect(try await started(fixture, ready: true, "--home", home) == .done)
    #expect(
      fixture.errors.text.hasSuffix(
        "Stop it with: p2pctl supervisor stop --home \(home)\nFor other commands, set P2P_HOME=\(home)\n"))
  }

  @Test func `start fails if a process does not become ready`() async throws {
    let fixture = try CommandFixture()
    #expect(try await started(fixture, ready: false) == .failed)
    #expect(fixture.errors.text.contains("p2pctl: some processes are not ready\n  bob is parked"))
    #expect(fixture.errors.text.contains("Find the cause: p2pctl logs bob\n"))
  }

  @Test func `start reports a running supervisor`() throws {
    let fixture = try CommandFixture()
    let supervisor = try supervisor(fixture)
    #expect(fixture.run("supervisor", "start", "--index", "h:1") == .done)
    #expect(fixture.errors.text.contains("Already running"))
    #expect(fixture.run("supervisor", "start", "bob") == .done)
    #expect(supervisor.requests.contains { $0.contains(#""op":"start","name":"bob""#) })
  }

  @Test func `stop waits for the process`() throws {
    let fixture = try CommandFixture()
    let supervisor = try supervisor(fixture, ready: false)
    #expect(fixture.run("supervisor", "stop", "alice") == .done)
    #expect(
      supervisor.requests == [
        #"{"id":2,"op":"stop","name":"alice"}"#, #"{"id":3,"op":"wait"}"#, #"{"id":2,"op":"status"}"#,
      ])
    #expect(fixture.output.text.contains("alice"))
  }

  @Test func `stop names a process that does not end`() throws {
    let fixture = try CommandFixture()
    let stopping = Self.row.replacing("ready", with: "stopping")
    let supervisor = try ScriptedDaemon(at: fixture.socket("supervisor")) { line in
      let id = id(line)
      if line.contains("hello") { return [.line(ScriptedDaemon.supervisorGreeting)] }
      if line.contains("status") { return [.line(stopping), .line(#"{"id":\#(id),"status":200,"processes":1}"#)] }
      return [.line(#"{"id":\#(id),"status":200,"ready":false}"#)]
    }
    #expect(fixture.run("supervisor", "stop", "alice") == .failed)
    #expect(fixture.errors.text.contains("alice is still stopping"))
    _ = supervisor
  }

  @Test func `unknown process is reported by the supervisor`() throws {
    let fixture = try CommandFixture()
    let refusal = "no process is named indx; there is index, alice"
    let supervisor = try ScriptedDaemon(
      at: fixture.socket("supervisor"), greeting: ScriptedDaemon.supervisorGreeting,
      .line(Sample.failure(404, "not-found", refusal)))
    #expect(fixture.run("supervisor", "stop", "indx") == .notFound)
    #expect(fixture.errors.text == "p2pctl: \(refusal)\n")
    _ = supervisor
  }

  @Test func `stop without a supervisor succeeds`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("supervisor", "stop") == .done)
    #expect(fixture.errors.text.contains("nothing to stop"))
  }

  @Test func `output of a supervisor that fails to start is shown`() throws {
    let fixture = try CommandFixture()
    try fixture.install("#!/bin/sh\necho \"$@\" >&2\necho 'p2p-supervisor: the port 7734 is taken' >&2\nexit 69\n")
    #expect(fixture.run("supervisor", "start", "--serve-index", "--peer", "alice=:0", "--config", "c") == .unavailable)
    #expect(fixture.errors.text.contains("exited with status 69"))
    #expect(fixture.errors.text.contains("the port 7734 is taken"))
    #expect(fixture.errors.text.contains("--serve-index 127.0.0.1:7734 --peer alice=:0 --config /w/c"))
    #expect(fixture.errors.text.contains("\(fixture.home.path)/log/supervisor.log"))
  }

  @Test func `output of earlier starts is not shown`() throws {
    let fixture = try CommandFixture()
    try fixture.install("#!/bin/sh\necho first >&2\nexit 1\n")
    fixture.run("supervisor", "start")
    try fixture.install("#!/bin/sh\necho second >&2\nexit 1\n")
    let before = fixture.errors.text.count
    #expect(fixture.run("supervisor", "start") == .failed)
    let text = fixture.errors.text.dropFirst(before)
    #expect(text.contains("second") && !text.contains("first"))
  }

  @Test func `relative home is made absolute`() throws {
    let fixture = try CommandFixture()
    fixture.workingDirectory = fixture.home.path
    fixture.homeVariable = ".demo"
    try fixture.install("#!/bin/sh\npwd >&2\necho \"$@\" >&2\nexit 1\n")
    #expect(fixture.run("supervisor", "start") == .failed)
    #expect(fixture.errors.text.contains("run --home \(fixture.home.path)/.demo"))
  }

  @Test func `missing supervisor executable is reported`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("supervisor", "start") == .failed)
    fixture.executableDirectory = fixture.home.path
    #expect(fixture.run("supervisor", "start") == .failed)
    #expect(fixture.errors.text.contains("p2p-supervisor: No such file or directory"))
  }

  @Test(arguments: [false, true])
  func `start gives up on a supervisor that never opens its socket`(hasStaleSocket: Bool) throws {
    let fixture = try CommandFixture()
    if hasStaleSocket { try UnixListener.abandon(at: fixture.socket("supervisor")) }
    try fixture.install("#!/bin/sh\necho loading >&2\nexec /bin/sleep 60\n")
    // Five seconds pass between two looks at the clock.
    var time = ContinuousClock.now
    fixture.now = {
      time += .seconds(5)
      return time
    }
    #expect(fixture.run("supervisor", "start") == .unavailable)
    let line = fixture.errors.text.split(separator: "\n").last { $0.contains("is still running") }
    let pid = try #require(line?.split(separator: " ").last.flatMap { pid_t($0) })
    #expect(kill(pid, SIGKILL) == 0)
    waitpid(pid, nil, 0)
    #expect(fixture.errors.text.contains("cannot talk to the new supervisor"))
    #expect(fixture.errors.text.contains("\(fixture.home.path)/log/supervisor.log"))
    #expect(!fixture.errors.text.contains("Is it running?"))
  }
}

extension CommandFixture {
  /// Installs a script as p2p-supervisor.
  func install(_ script: String) throws {
    let path = try home.write("p2p-supervisor", Array(script.utf8))
    chmod(path, 0o755)
    executableDirectory = home.path
  }
}
