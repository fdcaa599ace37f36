// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport
import Testing

/// Running transfers on terminals of several widths. All names are ASCII: a character is a cell.
@Suite(.serialized) struct TransferTerminalTests {
  private static let size = 2_000_000

  /// alice has a file that bob gets slowly.
  private func withSlowDownload(_ body: (Installation) async throws -> Void) async throws {
    try await Installation.with { system in
      try system.directory.write("image.bin", pattern(Self.size))
      try await system.run("alice", "add", "image.bin", "--key", "file/a-rather-long-name-of-an-image.bin")
      try await system.run("bob", "limit", "--down", "400k")
      try await body(system)
    }
  }

  private static let key = "file/a-rather-long-name-of-an-image.bin"

  private func p2pctl(_ system: Installation) throws -> Program {
    try Program(
      "p2pctl", environment: ["P2P_HOME": system.home.path, "TERM": "xterm", "LANG": "C.UTF-8"],
      directory: system.directory.path)
  }

  /// What is on each line once its escape sequences are carried out, except those that move the cursor.
  private func lines(of shown: String) -> [String] {
    shown.replacing("\u{1B}[K", with: "").split { $0 == "\r\n" || $0 == "\r" || $0 == "\n" }.map { line in
      String(line.replacing(/\u{1B}\[[0-9;?]*[A-Za-z]/, with: ""))
    }
  }

  @Test(arguments: [UInt16(40), 80, 200]) func `get fits the terminal`(columns: UInt16) async throws {
    try await withSlowDownload { system in
      let session = try TypedSession(
        try p2pctl(system), "--peer", "bob", "get", Self.key, "-o", "out", columns: columns)
      let early = try await session.expect("left")
      let outcome = try await session.end()
      #expect(outcome.status == 0)
      let drawn = lines(of: early + "left" + outcome.shown).filter { $0.contains("%") }
      #expect(drawn.count >= 3)
      for line in drawn { #expect(line.count < columns, "\(line)") }
      #expect(drawn.contains { $0.contains("KiB/s") })
      if columns >= 80 {
        #expect(drawn.contains { $0.contains("  from alice  ") && $0.contains(" of 1.9 MiB") }, "\(drawn)")
      }
      if columns == 200 { #expect(drawn.contains { $0.contains("[#") }) }
      // The line is gone; what is left is the result.
      #expect(
        outcome.shown.hasSuffix("/out: 1.9 MiB from alice in \(outcome.shown.split(separator: " in ").last ?? "")"))
    }
  }

  @Test(arguments: [UInt16(40), 80, 200]) func `get of a prefix fits the terminal`(columns: UInt16) async throws {
    try await Installation.with { system in
      try #require(mkdir(system.directory.file("t"), 0o700) == 0)
      for number in 0..<12 { try system.directory.write("t/\(number)", pattern(100_000, seed: UInt64(number))) }
      try system.directory.write("t/large", pattern(900_000))
      try await system.run("alice", "add", "-r", "t", "--key", "data/a-rather-long-name-of-a-tree/")
      try await system.run("bob", "limit", "--down", "700k")
      let session = try TypedSession(
        try p2pctl(system), "--peer", "bob", "get", "data/a-rather-long-name-of-a-tree/", "-o", "out", columns: columns)
      let outcome = try await session.end()
      #expect(outcome.status == 0)
      let drawn = lines(of: outcome.shown).filter { $0.contains(" documents  ") || $0.hasSuffix(" documents") }
      #expect(drawn.count >= 3, "\(outcome.shown)")
      for line in drawn { #expect(line.count < columns, "\(line)") }
      #expect(drawn.contains { $0.contains(" of 13 documents") }, "\(drawn)")
      #expect(outcome.shown.contains("13 documents, 2.0 MiB: 13 fetched"), "\(outcome.shown)")
    }
  }

  @Test func `watch follows the terminal, and Ctrl-C restores it`() async throws {
    try await withSlowDownload { system in
      try await system.run("bob", "get", Self.key, "-o", "out", "--detach")
      let session = try TypedSession(try p2pctl(system), "--peer", "bob", "transfers", "--watch", columns: 80, rows: 10)
      try await session.expect("\u{1B}[?1049h")
      try await session.expect("  alice ")
      session.resize(columns: 40, rows: 6)
      try await session.expect("\u{1B}[H")
      _ = try await system.run("bob", "pause", "--all")
      let small = try await session.expect("paused")
      for frame in small.split(separator: "\u{1B}[H").dropFirst(2).dropLast() {
        let shown = lines(of: String(frame))
        #expect(shown.count <= 6)
        for line in shown { #expect(line.count <= 40, "\(line)") }
      }
      session.type("\u{3}")
      let outcome = try await session.end()
      #expect(outcome.status == 130)
      #expect(outcome.shown.contains("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"))
    }
  }

  @Test func `watch ended by a signal restores the terminal`() async throws {
    try await withSlowDownload { system in
      let session = try TypedSession(try p2pctl(system), "--peer", "bob", "transfers", "--watch")
      try await session.expect("No active transfers.")
      session.signal(15)
      let outcome = try await session.end()
      #expect(outcome.status == 128 + 15)
      #expect(outcome.shown.hasSuffix("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"))
    }
  }

  @Test func `progress and totals are JSON`() async throws {
    try await withSlowDownload { system in
      let rows = try await system.rows("bob", "get", Self.key, "-o", "out", "--progress")
      let events = rows.filter { $0["event"]?.string == "progress" }
      #expect(events.count >= 3 && rows.last?["path"] != nil)
      #expect(events.allSatisfy { $0["key"]?.string == Self.key && $0["received"]?.integer ?? -1 >= 0 })
      #expect(events.contains { $0["peer"]?.string == "alice" && $0["rate"]?.integer ?? 0 > 0 })
      let before = try await system.rows("bob", "status").first
      #expect(before?["downloaded"]?.integer ?? 0 >= Int64(Self.size))
      try await system.expectSuccess(["supervisor", "restart", "bob"])
      let after = try await system.rows("bob", "status").first
      for name in ["downloaded", "uploaded", "since"] { #expect(after?[name] == before?[name], "\(name)") }
      #expect(try await system.rows("alice", "status").first?["uploaded"]?.integer ?? 0 >= Int64(Self.size))
    }
  }
}
