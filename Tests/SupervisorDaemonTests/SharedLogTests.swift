// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import ProcessSupervision
import ProcessSupport
import SupervisorDaemon
import SystemPackage
import TestSupport
import Testing
import WireProtocol

/// Logs on the supervisor's standard error, for the journal and for containers.
@Suite struct SharedLogTests {
  private func texts(_ lines: [[UInt8]]) -> [String] { lines.map { String(decoding: $0, as: UTF8.self) } }

  // MARK: Lines

  @Test func `each line gets the name of its process however it arrives`() {
    let output = Array("2026-01-02T03:04:05Z info a\n\nb \u{1B}[31m\n".utf8)
    let expected = ["alice: 2026-01-02T03:04:05Z info a\n", "alice: \n", "alice: b \\u{1B}[31m\n"]
    for size in [1, 2, 7, output.count] {
      var lines = NamedLines(name: "alice", format: .text)
      let chunks = stride(from: 0, to: output.count, by: size).map {
        Array(output[$0..<min($0 + size, output.count)])
      }
      #expect(texts(chunks.flatMap { lines.add($0) }) == expected)
      #expect(lines.end() == nil)
    }
  }

  @Test func `line without an end is written at the end`() {
    var lines = NamedLines(name: "alice", format: .text)
    #expect(lines.add(Array("half".utf8)).isEmpty)
    #expect(lines.end().map { texts([$0]) } == ["alice: half\n"])
    #expect(lines.end() == nil)
  }

  @Test func `endless line is written in bounded parts`() {
    var lines = NamedLines(name: "alice", format: .text)
    let parts = lines.add([UInt8](repeating: 0x78, count: 100_000))
    #expect(parts.count >= 24 && parts.allSatisfy { $0.count <= StandardError.maxWrite })
    let rest = lines.end()?.count ?? 0
    #expect((parts.map(\.count).reduce(0, +) + rest) - (parts.count + 1) * "alice: \n".utf8.count == 100_000)
  }

  @Test func `line of JSON gets the name as a member`() throws {
    let style = LogStyle(format: .json)
    var lines = NamedLines(name: "alice", format: .json)
    let own = style.line("she said \"hi\"\n", .warning, at: WallClock.now)
    let foreign = Array("Fatal error: \"x\"\n{\"time\":no\n".utf8)
    let objects = try lines.add(own + foreign).map { try Jansson.decode($0.dropLast()) }
    #expect(objects.map { $0.object?["process"] } == ["alice", "alice", "alice"])
    #expect(objects.map { $0.object?["level"] } == ["warning", nil, nil])
    #expect(objects[0].object?["message"]?.string?.hasPrefix("she said \"hi\"") == true)
    #expect(objects.dropFirst().map { $0.object?["message"] } == ["Fatal error: \"x\"", "{\"time\":no"])
  }

  /// A line that is cut when it is written is no JSON any more.
  @Test func `longest line of JSON stays whole`() throws {
    let name = String(repeating: "n", count: 32)
    var lines = NamedLines(name: name, format: .json)
    for unit in ["x", "\"", "\u{1B}", "é"] {
      let long = String(repeating: unit, count: 10_000)
      let written = lines.add(LogStyle(format: .json).line(long, .info, at: WallClock.now) + Array("\(long)\n".utf8))
      for line in written {
        #expect(line.count <= StandardError.maxWrite)
        #expect(try Jansson.decode(line.dropLast()).object?["process"] == .string(name))
      }
    }
  }

  // MARK: Destination

  @Test func `journal is the default under systemd and in a container`() {
    #expect(LogDestination(.init()) == .files)
    #expect(LogDestination(.init(journalStream: "8:12", standardError: "8:12")) == .journal)
    #expect(LogDestination(.init(isContainer: true)) == .journal)
    // Standard error was redirected after systemd had set the variable.
    #expect(LogDestination(.init(journalStream: "8:12", standardError: "8:13")) == .files)
    #expect(LogDestination(.init(journalStream: "8:12")) == .files)
  }

  // MARK: Processes

  @Test func `all processes log to one pipe and create no files`() async throws {
    let fixture = try SupervisorFixture()
    let pipe = try FileDescriptor.pipe()
    defer { try? pipe.readEnd.close() }
    try await fixture.start(
      "--index", "127.0.0.1:1", "--peer", "alice", environment: ["P2P_LOG_TO": "journal", "P2P_LOG_FORMAT": "json"],
      output: pipe.writeEnd)
    _ = try await fixture.awaitStatus("alice") { $0.state == "ready" }
    #expect(try fixture.ask(#"{"id":1,"op":"stop"}"#)["status"] == 200)
    #expect(try await fixture.end() == .exited(0))
    try pipe.writeEnd.close()
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(pipe.readEnd.rawValue, &chunk, chunk.count), count > 0 { output += chunk[..<count] }
    let lines = try output.split(separator: UInt8(ascii: "\n")).map { try Jansson.decode($0).object ?? [:] }
    #expect(lines.contains { $0["process"] == "alice" && $0["message"] == "alice stops" })
    let own = lines.filter { $0["process"] == "supervisor" }
    #expect(own.contains { $0["level"] == "info" && $0["message"]?.string?.hasPrefix("alice is ready") == true })
    #expect(access("\(fixture.home)/log/alice.log", F_OK) != 0)
    #expect(access("\(fixture.home)/log/supervisor.log", F_OK) != 0)
  }

  @Test func `less severe messages are left out`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "crash", environment: ["P2P_LOG_LEVEL": "error"])
    _ = try await fixture.awaitStatus("crash") { $0.restarts > 0 || $0.state == "parked" }
    let levels = fixture.log("supervisor").split(separator: "\n").map { $0.split(separator: " ").dropFirst().first }
    #expect(!levels.contains("info") && !levels.contains("warning"))
  }
}
