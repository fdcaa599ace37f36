// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport
import Testing

/// `get -o -` between real processes.
@Suite(.serialized) struct StreamTests {
  private static let bytes = pattern(12_000_000)

  /// A shell beside the installation, in which `p2pctl` is that of bob.
  private func shell(_ system: Installation) throws -> Program {
    let path = try Program("p2pctl").path
    var program = Program(
      path: "/usr/bin/bash", environment: ["P2P_HOME": system.home.path, "P2PCTL": path],
      directory: system.directory.path)
    program.environment["PATH"] = "/usr/bin:/bin"
    return program
  }

  private func with(limit: String, _ body: (Installation, Program) async throws -> Void) async throws {
    try await Installation.with { system in
      try await system.run("alice", "add", system.directory.write("x", Self.bytes))
      try await system.run("bob", "limit", "--down", limit)
      try await body(system, try shell(system))
    }
  }

  @Test func `closed pipe pauses the download, and the next one fetches the rest only`() async throws {
    try await with(limit: "4M") { system, shell in
      let head = try await shell.run(
        "-c", "\"$P2PCTL\" --peer bob get file/x -o - | head -c 100 >head; echo ${PIPESTATUS[0]}")
      #expect(head.output == "73\n")
      #expect(head.errors.contains("is paused, and what was verified is kept"), "\(head.errors)")
      #expect(TemporaryDirectory.read(system.directory.file("head")) == Array(Self.bytes.prefix(100)))
      let row = try #require(try await system.rows("bob", "transfers").first)
      #expect(row["state"]?.string == "paused" && row["path"]?.string == "-" && row["have"]?.integer ?? 0 > 0)
      let before = row["received"]?.integer ?? 0
      try await system.run("bob", "limit", "--down", "off")
      let rest = try await shell.run("-c", "\"$P2PCTL\" --peer bob get file/x -o - >all")
      #expect(rest.status == 0, "\(rest.errors)")
      #expect(TemporaryDirectory.read(system.directory.file("all")) == Self.bytes)
      let done = try #require(try await system.rows("bob", "transfers", "--all").first { $0["id"] == row["id"] })
      #expect(done["state"]?.string == "done")
      #expect(done["received"]?.integer ?? 0 < 12_000_000 + 1_000_000, "nothing twice after \(before)")
      #expect(try await system.rows("bob", "transfers").isEmpty)
    }
  }

  @Test func `stream of a killed or restarted daemon goes on where it was`() async throws {
    try await with(limit: "6M") { system, shell in
      for isKilled in [true, false] {
        let output = system.directory.file("all\(isKilled)")
        async let ended = shell.run("-c", "\"$P2PCTL\" --peer bob get file/x -o - >\(output)")
        let isHalfDone = await eventually { TemporaryDirectory.read(output)?.count ?? 0 > 3_000_000 }
        #expect(isHalfDone)
        if isKilled {
          try await system.killProcess("bob")
        } else {
          try await system.expectSuccess(["supervisor", "restart", "bob"])
        }
        let outcome = try await ended
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(TemporaryDirectory.read(output) == Self.bytes)
      }
    }
  }
}
