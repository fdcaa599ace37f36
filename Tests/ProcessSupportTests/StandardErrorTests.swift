// SPDX-License-Identifier: Apache-2.0

import CProcess
import DocumentModel
import Glibc
import LineJSON
import ProcessSupport
import Testing

@Suite struct StandardErrorTests {
  private func text(_ line: [UInt8]) -> String { String(decoding: line, as: UTF8.self) }

  /// A pipe with a blocking write end, like a child's standard error.
  private final class Pipe {
    let reader: Int32
    let writer: Int32

    init() throws {
      var (reader, writer): (Int32, Int32) = (-1, -1)
      try #require(pipe_open(&reader, &writer) == 0)
      self.reader = reader
      self.writer = writer
    }

    deinit {
      close(reader)
      close(writer)
    }

    /// Fills it completely.
    func fill() {
      _ = fcntl(writer, F_SETFL, O_NONBLOCK)
      let bytes = [UInt8](repeating: 0x2E, count: 4_096)
      while write(writer, bytes, bytes.count) > 0 {}
      _ = fcntl(writer, F_SETFL, 0)
    }

    /// Reads what it contains now.
    func read() -> String {
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = Glibc.read(reader, &chunk, chunk.count)
        guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
        bytes += chunk[..<count]
      }
    }

    /// The messages that it contains now, without their times.
    func messages() -> [String] {
      read().drop { $0 == "." }.split(separator: "\n").map { line in
        line.split(separator: " ").dropFirst().joined(separator: " ")
      }
    }
  }

  /// A report that blocked would hang this test, because nothing reads the pipe meanwhile.
  @Test func `full pipe drops messages and counts them`() throws {
    let pipe = try Pipe()
    let output = StandardError(program: "p2p-test", descriptor: pipe.writer)
    pipe.fill()
    for number in 0..<3 { output.report("lost \(number)", .info) }
    #expect(pipe.messages().isEmpty)
    output.report("written", .info)
    output.report("again", .info)
    #expect(pipe.messages() == ["warning 3 messages dropped", "info written", "info again"])
  }

  @Test func `flush reports dropped messages`() throws {
    let pipe = try Pipe()
    let output = StandardError(program: "p2p-test", descriptor: pipe.writer)
    output.flush()
    #expect(pipe.messages().isEmpty, "nothing was dropped")
    pipe.fill()
    output.report("lost")
    output.flush(timeout: .zero)
    #expect(pipe.messages().isEmpty)
    output.flush()
    output.flush()
    #expect(pipe.messages() == ["warning 1 messages dropped"])
  }

  @Test func `last message waits until there is room`() async throws {
    let pipe = try Pipe()
    let output = StandardError(program: "p2p-test", descriptor: pipe.writer)
    pipe.fill()
    output.report("lost")
    async let reported: Void = Task.detached { output.reportLast("cannot start", timeout: .seconds(60)) }.value
    #expect(pipe.messages().allSatisfy { $0.contains("cannot start") || $0.contains("dropped") })
    await reported
    output.report("end", .info)
    #expect(pipe.messages().last == "info end")
  }

  @Test func `last message does not wait forever`() throws {
    let pipe = try Pipe()
    let output = StandardError(program: "p2p-test", descriptor: pipe.writer)
    pipe.fill()
    output.reportLast("cannot start", timeout: .milliseconds(20))
    #expect(pipe.messages().isEmpty)
  }

  /// A longer line would block, because poll(2) only reports room for a page.
  @Test func `long message is cut at a character`() throws {
    let pipe = try Pipe()
    let output = StandardError(program: "p2p-test", descriptor: pipe.writer)
    for padding in 0..<4 {
      output.report(String(repeating: "x", count: padding) + String(repeating: "é€😀", count: 2_000), .info)
      let line = pipe.read()
      #expect(line.utf8.count <= LogStyle.maxLine && line.utf8.count > LogStyle.maxLine - 8)
      #expect(line.hasSuffix("…\n") && !line.contains("\u{FFFD}"))
    }
  }

  @Test func `line is escaped and has time and level`() throws {
    let time = try Timestamp("2026-01-02T03:04:05Z")
    #expect(text(LogStyle().line("listens", .info, at: time)) == "2026-01-02T03:04:05Z info listens\n")
    let hostile = text(LogStyle().line("a\n2026-01-02T03:04:05Z error b\u{1B}[31m", .warning, at: time))
    #expect(hostile.split(separator: "\n").count == 1 && !hostile.contains("\u{1B}"))
  }

  @Test func `line of JSON has the same members and the same limit`() throws {
    let time = try Timestamp("2026-01-02T03:04:05Z")
    let style = LogStyle(format: .json)
    #expect(
      text(style.line("a \"b\"", .notice, at: time))
        == #"{"time":"2026-01-02T03:04:05Z","level":"notice","message":"a \"b\""}"# + "\n")
    for unit in ["x", "\"", "é", "\u{1B}"] {
      let long = style.line(String(repeating: unit, count: 10_000), .info, at: time)
      #expect(long.count <= LogStyle.maxLine && long.last == 0x0A)
      #expect(try Jansson.decode(long.dropLast()).object?["message"]?.string?.hasSuffix("…") == true)
    }
  }

  @Test func `less severe messages are dropped`() throws {
    let pipe = try Pipe()
    let output = StandardError(program: "p2p-test", style: LogStyle(level: .warning), descriptor: pipe.writer)
    for level in LogStyle.Level.allCases { output.report("\(level)", level) }
    #expect(pipe.messages() == ["warning warning", "error error", "critical critical"])
  }

  @Test func `style is read from the environment`() {
    #expect(LogStyle(environment: [:]) == LogStyle(level: .info, format: .text))
    let style = LogStyle(level: .debug, format: .json)
    #expect(LogStyle(environment: style.environment) == style)
    #expect(LogStyle(environment: ["P2P_LOG_LEVEL": "loud", "P2P_LOG_FORMAT": ""]) == LogStyle())
  }

  @Test func `reader that is gone ends nothing`() async {
    await #expect(processExitsWith: .success) {
      ProcessResources.ignoreWriteSignals()
      var (reader, writer): (Int32, Int32) = (-1, -1)
      try #require(pipe_open(&reader, &writer) == 0 && close(reader) == 0)
      let output = StandardError(program: "p2p-test", descriptor: writer)
      output.report("lost")
      output.reportLast("lost", timeout: .seconds(600))
    }
  }
}
