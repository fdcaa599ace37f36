// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import TestSupport
import Testing

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
}
