// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Glibc
import LineJSON
import TestSupport
import Testing

/// `p2pctl logs` on the files of a supervisor.
@Suite struct LogsCommandTests {
  private func fixture(_ logs: KeyValuePairs<String, String>) throws -> CommandFixture {
    let fixture = try CommandFixture()
    mkdir("\(fixture.home.path)/log", 0o700)
    for (name, text) in logs { try fixture.home.write("log/\(name).log", Array(text.utf8)) }
    return fixture
  }

  private static let alice = """
    2026-01-02T03:04:05+0000 info p2p-peer: ready to serve
    2026-01-02T03:04:07+0000 warning p2p-peer: index not reached
      and a line that goes on

    """
  private static let supervisor = "2026-01-02T03:04:06Z alice is ready\n2026-01-02T03:04:08Z everything has stopped\n"

  // MARK: One log

  @Test func `last lines of one log are shown unchanged`() throws {
    let fixture = try fixture(["alice": Self.alice, "supervisor": Self.supervisor])
    #expect(fixture.run("logs", "alice", "-n", "2") == .done)
    #expect(
      fixture.output.text == "2026-01-02T03:04:07+0000 warning p2p-peer: index not reached\n  and a line that goes on\n"
    )
    #expect(fixture.run("logs", "--peer", "alice", "--lines", "0") == .done)
    #expect(fixture.errors.text.isEmpty)
  }

  @Test func `socket option selects the log directory`() throws {
    let fixture = try fixture(["bob": "from bob\n"])
    fixture.homeVariable = "/nonexistent"
    #expect(fixture.run("logs", "--socket", fixture.socket("bob")) == .done)
    #expect(fixture.output.text == "from bob\n")
  }

  @Test func `logged control characters are escaped`() throws {
    let fixture = try fixture(["alice": "a\tb \u{1B}[2J\u{202E}\n"])
    #expect(fixture.run("logs", "alice") == .done)
    #expect(fixture.output.text == #"a\#tb \u{1B}[2J\u{202E}"# + "\n")
  }

  @Test func `misspelled name gets a suggestion`() throws {
    let fixture = try fixture(["alice": "", "index": "", "no good name": ""])
    #expect(fixture.run("logs", "alcie") == .notFound)
    #expect(fixture.errors.text.contains("no log of alcie"))
    #expect(fixture.errors.text.contains("Did you mean: p2pctl logs alice"))
    #expect(fixture.errors.text.contains("Logs: alice, index\n"))
    #expect(fixture.run("logs", "../../etc/passwd") == .notFound)
  }

  @Test func `missing logs suggest a start`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("logs") == .notFound)
    #expect(fixture.errors.text.contains("there are no logs yet"))
    #expect(fixture.errors.text.contains("p2pctl supervisor start"))
  }

  // MARK: All of them

  @Test func `all logs are merged by time`() throws {
    let fixture = try fixture(["alice": Self.alice, "supervisor": Self.supervisor])
    #expect(fixture.run("logs", "-n", "4") == .done)
    #expect(
      fixture.output.text == """
        supervisor  2026-01-02T03:04:06Z alice is ready
        alice       2026-01-02T03:04:07+0000 warning p2p-peer: index not reached
        alice         and a line that goes on
        supervisor  2026-01-02T03:04:08Z everything has stopped

        """)
  }

  @Test func `each line is a JSON object`() throws {
    let fixture = try fixture(["alice": Self.alice, "supervisor": Self.supervisor])
    #expect(fixture.run("logs", "--json") == .done)
    let rows = try fixture.rows()
    #expect(rows.map { $0["process"]?.string } == ["alice", "supervisor", "alice", "alice", "supervisor"])
    #expect(rows[0]["time"]?.string == "2026-01-02T03:04:05Z")
    #expect(rows.map { $0["level"]?.string } == ["info", nil, "warning", nil, nil])
    #expect(rows[3]["time"] == nil)
    #expect(rows[3]["line"]?.string == "  and a line that goes on")
  }

  // MARK: Following

  @Test func `follow continues until Ctrl-C`() throws {
    let fixture = try fixture(["alice": "1\n"])
    let path = fixture.home.file("log/alice.log")
    fixture.pauseActions = [
      { try fixture.home.write("log/alice.log", Array("1\n2\n".utf8)) },
      {},
      {
        rename(path, path + ".1")
        try fixture.home.write("log/alice.log", Array("3\n".utf8))
      },
      { try fixture.home.write("log/bob.log", Array("4\n".utf8)) },
    ]
    #expect(fixture.run("logs", "-f") == .interrupted)
    #expect(fixture.output.text == "1\n2\n3\nbob    4\n")
    #expect(fixture.errors.text.isEmpty)
  }

  @Test func `follow ends with its reader`() throws {
    let fixture = try fixture(["alice": "1\n"])
    fixture.pauseActions = [{ throw OutputError.closed }]
    #expect(fixture.run("logs", "-f", "alice") == .done)
  }

  // MARK: Levels

  @Test(arguments: [
    ("2026-01-02T03:04:05Z warning the disk is full", "warning", "the disk is full"),
    (#"{"time":"2026-01-02T03:04:05Z","level":"warning","message":"the disk is full"}"#, "warning", "the disk is full"),
    ("2026-01-02T03:04:05Z alice is ready", nil, "2026-01-02T03:04:05Z alice is ready"),
    ("2026-01-02T03:04:05Z error", "error", "2026-01-02T03:04:05Z error"), (#"{"time":1"#, nil, #"{"time":1"#),
  ])
  func `level and message are read in both formats`(line: String, level: String?, message: String) {
    let read = LogLine(process: "a", text: line)
    #expect(read.level == level)
    #expect(read.message == message)
  }

  @Test(.enabled(if: geteuid() != 0, "root reads everything"))
  func `log of another user is forbidden, not missing`() throws {
    let fixture = try fixture(["alice": "hers\n", "index": "secret\n"])
    chmod(fixture.home.file("log/index.log"), 0)
    #expect(fixture.run("logs", "index") == .notPermitted)
    #expect(fixture.errors.text.hasPrefix("p2pctl: permission denied reading the log of index\n"))
    #expect(fixture.run("logs") == .done)
    #expect(fixture.output.text == "hers\n")
  }

  // MARK: Times

  @Test(arguments: [
    ("2026-01-02T03:04:05Z x", "2026-01-02T03:04:05Z"), ("2026-01-02T03:04:05+0100 x", "2026-01-02T02:04:05Z"),
    ("2026-01-02T03:04:05.250+01:00", "2026-01-02T02:04:05.25Z"),
    ("2026-01-02T03:04:05.100Z x", "2026-01-02T03:04:05.1Z"),
    ("x 2026-01-02T03:04:05Z", nil), ("", nil), ("2026-01-02 03:04:05 x", nil), ("+0000", nil),
  ])
  func `time at the start of a line is read`(line: String, time: String?) {
    #expect(LogLine(process: "a", text: line).time?.text == time)
  }

  @Test func `clock set back keeps a log together`() {
    let times = ["2026-01-02T03:04:05Z", "2026-01-02T03:04:03Z", "2026-01-02T03:04:06Z"]
    let own = times.map { LogLine(process: "a", text: $0) }
    let other = [LogLine(process: "b", text: "2026-01-02T03:04:04Z"), LogLine(process: "b", text: times[2] + " late")]
    #expect(LogLine.merged([own, other]).filter { $0.process == "a" } == own)
    #expect(LogLine.merged([own, other]).map(\.process) == ["b", "a", "a", "a", "b"])
  }

  @Test func `merged logs keep the order of each log and of time`() {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<50 {
      let logs = ["a", "b", "c"].map { process in
        (0..<Int.random(in: 0...20, using: &random)).map { number in
          let second = Int.random(in: 10...59, using: &random)
          let time = random.once(in: 4) ? "  continued" : "2026-01-02T03:04:\(second)Z"
          return LogLine(process: process, text: "\(time) \(number)")
        }
      }
      let merged = LogLine.merged(logs)
      #expect(merged.count == logs.map(\.count).reduce(0, +))
      for (process, log) in zip(["a", "b", "c"], logs) { #expect(merged.filter { $0.process == process } == log) }
      // A line is not before one of another log whose latest time is earlier.
      var latest = [String: LogTime]()
      var previous = LogTime.earliest
      for line in merged {
        let time = max(line.time ?? .earliest, latest[line.process] ?? .earliest)
        latest[line.process] = time
        #expect(time >= previous)
        previous = time
      }
    }
  }

  @Test(arguments: [
    ("05Z", "05.1Z", true), ("05.1Z", "05.09Z", false), ("05.25Z", "05.3Z", true), ("05.5Z", "05.50Z", false),
  ])
  func `fractions of seconds are compared as numbers`(left: String, right: String, isEarlier: Bool) throws {
    let times = [left, right].compactMap { LogTime(beginning: "2026-01-02T03:04:\($0) x") }
    try #require(times.count == 2)
    #expect((times[0] < times[1]) == isEarlier)
  }

  // MARK: Odd files

  @Test func `NUL in a line is replaced in JSON`() throws {
    let fixture = try fixture(["alice": "a\0b\n"])
    #expect(fixture.run("logs", "alice", "--json") == .done)
    #expect(try fixture.rows().first?["line"]?.string == "a\u{FFFD}b")
  }

  @Test func `partial last line is shown unless followed`() throws {
    let fixture = try fixture(["alice": "one\ntwo"])
    #expect(fixture.run("logs", "alice") == .done)
    #expect(fixture.output.text == "one\ntwo\n")
    fixture.pauseActions = [{ try fixture.home.write("log/alice.log", Array("one\ntwo three\n".utf8)) }]
    #expect(fixture.run("logs", "alice", "-f") == .interrupted)
    #expect(fixture.output.text == "one\ntwo\none\ntwo three\n")
  }

  @Test func `number of lines counts all logs together`() throws {
    let fixture = try fixture(["alice": Self.alice, "supervisor": Self.supervisor])
    #expect(fixture.run("logs", "-n", "1") == .done)
    #expect(fixture.output.text == "supervisor  2026-01-02T03:04:08Z everything has stopped\n")
    #expect(fixture.run("logs", "-n", "0") == .done)
    #expect(fixture.output.text.split(separator: "\n").count == 1)
  }

  @Test func `unreadable log directory is reported`() throws {
    // Permissions do not apply to root.
    guard geteuid() != 0 else { return }
    let fixture = try fixture(["alice": "1\n"])
    chmod(fixture.home.file("log"), 0)
    defer { chmod(fixture.home.file("log"), 0o700) }
    #expect(fixture.run("logs") == .notPermitted)
    #expect(fixture.errors.text.contains("permission denied reading \(fixture.home.path)/log"))
  }
}
