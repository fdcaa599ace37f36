// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import TestSupport
import Testing
import WireProtocol

/// Starts with obstacles, and the end.
@Suite(.serialized) struct StartTests {
  private func run(
    home: String, _ arguments: String..., timeout: Duration = .seconds(30)
  ) async throws -> Program.Outcome {
    try await Program("p2p-supervisor", environment: ["P2P_HOME": home]).run(["run"] + arguments, timeout: timeout)
  }

  @Test func `second supervisor of a home is refused`() async throws {
    try await Installation.with(peers: ["alice"]) { system in
      let outcome = try await run(home: system.home.path, "--serve-index", "127.0.0.1:0")
      #expect(outcome.status != 0)
      #expect(!outcome.errors.isEmpty)
      #expect(try await system.process("alice").state == "ready")
      // start succeeds if it already runs.
      let again = try await system.p2pctl("supervisor", "start")
      #expect(again.status == 0)
    }
  }

  @Test func `home with a too long socket path is refused`() async throws {
    let directory = try TemporaryDirectory()
    let home = directory.file(String(repeating: "x", count: 120))
    let outcome = try await run(home: home, "--serve-index", "127.0.0.1:0")
    #expect(outcome.status != 0)
    #expect(outcome.errors.contains("P2P_HOME"))
  }

  @Test func `home that cannot be created is refused`() async throws {
    let directory = try TemporaryDirectory()
    let file = try directory.write("file", [1])
    let outcome = try await run(home: file + "/home", "--serve-index", "127.0.0.1:0")
    #expect(outcome.status != 0)
    #expect(outcome.errors.contains(file))
  }

  @Test func `address in use is named`() async throws {
    try await Installation.with(peers: ["alice"]) { system in
      let address = try await system.process("index").address
      let other = try TemporaryDirectory()
      let outcome = try await run(home: other.path, "--serve-index", address)
      #expect(outcome.status != 0)
      #expect(outcome.errors.contains(address))
    }
  }

  @Test func `stop ends all processes`() async throws {
    try await Installation.with { system in
      let children = [
        try await system.process("index").pid, try await system.process("alice").pid,
        try await system.process("bob").pid,
      ]
      try await system.expectSuccess(["supervisor", "stop"])
      #expect(children.allSatisfy { kill($0, 0) != 0 })
      let outcome = try await system.p2pctl("--peer", "alice", "status")
      #expect(outcome.status == 69)
      #expect(outcome.errors.contains("p2pctl supervisor start"))
    }
  }

  // MARK: What is remembered

  private func console(_ home: TemporaryDirectory) throws -> Program {
    try Program("p2pctl", environment: ["P2P_HOME": home.path, "USER": "tester"])
  }

  /// The last line of a successful start.
  private func start(_ console: Program, _ flags: [String]) async throws -> (line: String, outcome: Program.Outcome) {
    let outcome = try await console.run(["supervisor", "start"] + flags)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return (outcome.lines.last ?? "", outcome)
  }

  @Test func `start repeats its flags, and a typed index replaces a chosen one`() async throws {
    try await Installation.with(peers: ["other"]) { system in
      let index = try await system.process("index").address
      let home = try TemporaryDirectory()
      let console = try console(home)
      do {
        let flags = ["--index", index, "--peer", "alice"]
        #expect(try await start(console, flags).line == "alice: connected to the index at \(index)")
        _ = try await console.run("connect", "127.0.0.1:1")
        #expect(try await console.run("supervisor", "stop").status == 0)
        // As after a reboot. The choice is later than the remembered flags.
        let again = try await start(console, [])
        #expect(again.outcome.errors.contains("Starting as before: --index \(index) --peer alice\n"))
        #expect(again.line.hasPrefix("alice: NOT connected to the index at 127.0.0.1:1 (chosen with connect;"))
        #expect(try await console.run("supervisor", "stop").status == 0)
        // Typed now, it is later than the choice, and stays so after a crash.
        #expect(try await start(console, flags).line == "alice: connected to the index at \(index)")
        _ = try await console.run("supervisor", "restart", "alice")
        #expect(try await console.run("status").output.contains("\(index), connected"))
        #expect(try await console.run("supervisor", "stop").status == 0)
        let wrong = try await start(console, ["--index", "127.0.0.1:1", "--peer", "alice"])
        #expect(wrong.line.hasPrefix("alice: NOT connected to the index at 127.0.0.1:1: "), "\(wrong.line)")
      } catch {
        _ = try? await console.run("supervisor", "stop")
        throw error
      }
      _ = try await console.run("supervisor", "stop")
    }
  }

  @Test func `join beside an index alone names the cure, and after a stop starts a peer as well`() async throws {
    let home = try TemporaryDirectory()
    let console = try console(home)
    let dead = try Ticket(
      addresses: [Endpoint("127.0.0.1:1"), Endpoint("127.0.0.1:2")],
      index: #require(PeerID(hex: String(repeating: "c1", count: 32))),
      secret: #require(TicketSecret(hex: String(repeating: "0", count: 32))), role: .reader,
      expires: Timestamp(seconds: 4_000_000_000)
    ).text
    do {
      _ = try await start(console, ["--serve-index", "127.0.0.1:0"])
      for command in [["join", dead], ["join", dead, "--peer", "bob"], ["list", "--peer", "bob"]] {
        let refused = try await console.run(command)
        let name = command.last == "bob" ? "bob\n" : ""
        let cure = "p2pctl supervisor stop && p2pctl supervisor start --serve-index 127.0.0.1:0 --peer \(name)"
        #expect(refused.status == 69 && refused.errors.contains(cure), "\(refused)")
        #expect(!refused.errors.contains("makes missing sockets again"), "\(refused)")
      }
      let again = try await start(console, ["--peer", "bob"])
      #expect(again.outcome.errors.contains("supervisor start --serve-index 127.0.0.1:0 --peer bob\n"), "\(again)")
      #expect(try await console.run("supervisor", "stop").status == 0)
      let tried = try await console.run("join", dead, "--peer", "bob")
      #expect(tried.status == 69, "\(tried)")
      #expect(tried.errors.contains("with a peer: --serve-index 127.0.0.1:0 --peer bob\n"), "\(tried)")
      #expect(tried.errors.contains("127.0.0.1:1 (") && tried.errors.contains("127.0.0.1:2 ("), "\(tried)")
      #expect(tried.errors.contains("--address HOST:PORT") && !tried.errors.contains("doctor"), "\(tried)")
      let shown = try await console.run("supervisor", "status").output
      #expect(shown.contains("bob") && shown.contains("index"), "\(shown)")
    } catch {
      _ = try? await console.run("supervisor", "stop")
      throw error
    }
    _ = try await console.run("supervisor", "stop")
  }

  // MARK: Lost sockets

  @Test func `control sockets come back without a restart`() async throws {
    try await Installation.with(peers: ["alice"]) { system in
      let before = try await system.process("alice")
      let run = system.home.file("run")
      #expect(rename(run, system.home.file("moved")) == 0)
      let isBack = await eventually(within: .seconds(20)) {
        (try? await system.p2pctl("--peer", "alice", "status").status) == 0
      }
      #expect(isBack)
      let after = try await system.process("alice")
      #expect(after.pid == before.pid && after.restarts == 0)
    }
  }

  @Test func `supervisor without a socket is named and stopped by its lock`() async throws {
    try await Installation.with(peers: ["alice"]) { system in
      let pid = try await system.process("supervisor").pid
      // A file in place of the directory keeps the socket away.
      let run = system.home.file("run")
      #expect(rename(run, system.home.file("moved")) == 0)
      try system.home.write("run", [])
      for command in ["status", "start"] {
        let outcome = try await system.p2pctl("supervisor", command)
        #expect(outcome.status == 69)
        let message = "the supervisor (process \(pid)) is running, but its control socket is missing"
        #expect(outcome.errors.contains(message))
      }
      let stop = try await system.p2pctl("supervisor", "stop")
      #expect(stop.status == 0 && stop.output == "stopped\n", "\(stop.errors)")
      unlink(run)
      #expect(try await system.p2pctl("supervisor", "stop").errors.contains("nothing to stop"))
    }
  }

  // MARK: Who listens

  @Test(.enabled(if: geteuid() == 0, "needs another user"))
  func `socket of another user gets nothing`() async throws {
    let directory = try TemporaryDirectory()
    chmod(directory.path, 0o777)
    let state = directory.file("state")
    mkdir(state, 0o700)
    chown(state, 65_534, 65_534)
    let socket = directory.file("alice.sock")
    let peer = try Program("p2p-peer")
    let pid = try Program(path: "/usr/bin/setpriv").start(
      [
        "--reuid", "65534", "--regid", "65534", "--clear-groups", peer.path, "--name", "alice", "--state", state,
        "--socket", socket, "--index", "127.0.0.1:1",
      ], output: directory.file("output"))
    defer {
      kill(pid, SIGKILL)
      waitpid(pid, nil, 0)
    }
    try #require(await eventually(within: .seconds(20)) { access(socket, F_OK) == 0 })
    let outcome = try await Program("p2pctl").run("--socket", socket, "status")
    #expect(outcome.status == 77)
    #expect(outcome.errors.contains("listens on the socket of the daemon: nothing was sent to it"), "\(outcome.errors)")
  }

  // MARK: Limits

  @Test(
    .enabled(if: geteuid() == 0, "needs another user"),
    arguments: [
      // The limit is on all processes of the user, so it is met by the first process or by its threads.
      ("--nproc=3", ["cannot create a process: Resource temporarily unavailable", "limit on processes is reached"]),
      ("--fsize=10240", ["RLIMIT_FSIZE"]),
    ])
  func `limit is reported in words and soon`(limit: String, reasons: [String]) async throws {
    let home = try TemporaryDirectory()
    chown(home.path, 65_534, 65_534)
    let p2pctl = try Program("p2pctl")
    let nobody = Program(path: "/usr/bin/setpriv", environment: ["P2P_HOME": home.path, "USER": "tester"])
    func run(_ launcher: [String], _ arguments: String...) async throws -> Program.Outcome {
      let user = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]
      return try await nobody.run(user + launcher + [p2pctl.path, "supervisor"] + arguments)
    }
    let start = ContinuousClock.now
    let outcome = try await run(
      ["/usr/bin/prlimit", limit], "start", "--serve-index", "127.0.0.1:0", "--peer", "alice")
    #expect(outcome.status == 1 && ContinuousClock.now - start < .seconds(20))
    #expect(reasons.contains { outcome.errors.contains($0) }, "\(outcome.errors)")
    _ = try await run([], "stop")
  }
}
