// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Dispatch
import DocumentModel
import Glibc
import LineJSON
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// `watch` against a scripted daemon.
@Suite struct WatchCommandTests {
  private static func change(_ change: String, title: String = "TCP") -> ScriptedDaemon.Step {
    .line(
      #"{"event":"document","change":"\#(change)","key":"rfc/793","title":"\#(title)","content":"\#(Sample.root)","#
        + #""size":177957,"modified":"1981-09-01T00:00:00Z","total":1}"#)
  }
  private static let current = ScriptedDaemon.Step.line(#"{"event":"current"}"#)
  private static let overflow = ScriptedDaemon.Step.line(#"{"event":"overflow"}"#)

  private func daemon(_ fixture: CommandFixture, _ steps: ScriptedDaemon.Step...) throws -> ScriptedDaemon {
    try ScriptedDaemon(at: fixture.socket("alice")) { line in
      line.contains(#""op":"hello""#) ? [.line(ScriptedDaemon.greeting)] : steps
    }
  }

  // MARK: What is watched

  @Test(arguments: [
    ([], "{}"), (["793"], #"{"key":"rfc/793"}"#), (["file/a b.pdf"], #"{"key":"file/a b.pdf"}"#),
    (["data/cats/"], #"{"prefix":"data/cats/"}"#), (["/"], "{}"), (["tcp", "control"], #"{"words":"tcp control"}"#),
    (["tcp"], #"{"words":"tcp"}"#), (["793", "tcp"], #"{"words":"793 tcp"}"#), (["", "793"], #"{"key":"rfc/793"}"#),
    (["rfc/", "tcp"], #"{"prefix":"rfc/","words":"tcp"}"#), (["file/cafe\u{301}"], #"{"key":"file/café"}"#),
  ])
  func `words become a filter`(words: [String], filter: String) throws {
    #expect(WatchPlan.filter(for: words) == (try DocumentFilter(Jansson.decode(filter.utf8))))
  }

  // MARK: What is printed

  @Test func `each change is a line`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, Self.current, Self.change("appeared"), Self.change("gone", title: ""))
    #expect(fixture.run("watch", "rfc/", "--count", "2") == .done)
    #expect(daemon.requests == [#"{"id":2,"op":"watch","prefix":"rfc/"}"#])
    let lines = fixture.output.text.split(separator: "\n")
    let gap = String(repeating: " ", count: 20)
    #expect(
      lines.map { $0.dropFirst(8) } == [
        "  appeared  rfc/793\(gap)173.8 KiB  TCP", "  gone      rfc/793\(gap)173.8 KiB",
      ])
    #expect(lines.allSatisfy { $0.prefixMatch(of: /\d\d:\d\d:\d\d\s/) != nil })
    #expect(fixture.errors.text == "Watching for changes; Ctrl-C ends this.\n")
    #expect(eventuallyOnThread { daemon.endedConnections == 1 })
  }

  @Test func `a key is never cut, a title is`() throws {
    let document = Document(
      key: try DocumentKey("data/" + String(repeating: "k", count: 60)), title: Title(normalizing: "A long title"),
      content: .empty, modified: Timestamp(seconds: 0))
    let line = ChangeLine.text(of: .appeared, document, at: ChangeLine.clock(hour: 7, minute: 5, second: 59), width: 40)
    #expect(line == "07:05:59  appeared  \(document.key.text)…\n")
    let short = Document(
      key: DocumentKey(rfc: 1), title: Title(normalizing: "A long title"), content: .empty,
      modified: Timestamp(seconds: 0))
    let cut = ChangeLine.text(of: .updated, short, at: "07:05:59", width: 64)
    #expect(cut == "07:05:59  updated   rfc/1                            0 B  A lon…\n")
  }

  @Test func `JSON is the event without watch and seq`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, Self.current, Self.change("updated"), Self.overflow, Self.change("gone"))
    #expect(fixture.run("watch", "--json", "--count", "3") == .done)
    #expect(daemon.requests == [#"{"id":2,"op":"watch"}"#])
    let rows = try fixture.rows()
    #expect(rows.map { $0["event"]?.string } == ["document", "overflow", "document"])
    #expect(rows.map { $0["change"]?.string } == ["updated", nil, "gone"])
    let first = try #require(rows.first)
    #expect(first["key"] == "rfc/793" && first["size"] == 177_957 && first["total"] == 1)
    #expect(first["content"]?.string == Sample.root && first["watch"] == nil && first["seq"] == nil)
    #expect(fixture.errors.text.isEmpty)
  }

  @Test func `interruptions are notes`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture, Self.current, .line(#"{"event":"disconnected"}"#), Self.current, Self.overflow, Self.current,
      Self.change("gone"))
    #expect(fixture.run("watch", "--count", "1") == .done)
    #expect(
      fixture.errors.text == """
        Watching for changes; Ctrl-C ends this.
        The connection to the index was lost; watching again.
        Too much changed at once: some changes may be missing. Watching again.

        """)
    _ = daemon
  }

  // MARK: The end

  @Test func `daemon that comes back is watched again`() throws {
    let fixture = try CommandFixture()
    let watches = Mutex(0)
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains(#""op":"hello""#) { return [.line(ScriptedDaemon.greeting)] }
      return watches.withLock { count in
        count += 1
        switch count {
        case 1: return [Self.current, Self.change("appeared"), .close]
        case 2: return [.close]
        case 3:
          return [
            Self.current, .line(Sample.failure(503, "unavailable", "the daemon is stopping", #","retry_after":1"#)),
          ]
        default: return [Self.current, Self.change("gone")]
        }
      }
    }
    fixture.pauseActions = [{}, {}, {}]
    #expect(fixture.run("watch", "--count", "2") == .done)
    #expect(daemon.requests.count == 4)
    #expect(fixture.output.text.split(separator: "\n").count == 2)
    #expect(fixture.errors.text.split(separator: "\n").count { $0.contains("to the daemon was lost") } == 1)
    #expect(fixture.errors.text.contains("The watch was interrupted: the daemon is stopping; watching again."))
  }

  /// As in `p2pctl watch | head -1`, while nothing changes.
  @Test(.timeLimit(.minutes(1))) func `command ends when the reader of its output goes`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, Self.current)
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { close(ends[1]) }
    fixture.outputDescriptor = ends[1]
    let reader = ends[0]
    DispatchQueue.global().async {
      _ = eventuallyOnThread { daemon.requests.count == 1 }
      close(reader)
    }
    #expect(fixture.run("watch") == .done)
    #expect(fixture.errors.text.split(separator: "\n").count <= 1)
    #expect(eventuallyOnThread { daemon.endedConnections == 1 })
  }

  @Test func `failure before the beginning ends the command`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Sample.failure(503, "unavailable", "it runs an older version")))
    #expect(fixture.run("watch") == .unavailable)
    #expect(fixture.errors.text.hasPrefix("p2pctl: it runs an older version\n"))
    #expect(daemon.requests.count == 1)
  }

  @Test func `failure for good ends a watch that has begun`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, Self.current, .line(Sample.failure(429, "too-many", "no room")))
    #expect(fixture.run("watch") == .unavailable)
    #expect(daemon.requests.count == 1)
  }

  @Test(arguments: [["watch", ""], ["watch", " ", ""], ["watch", "--count", "0"], ["watch", "--count", "x"]])
  func `nothing to watch for is a usage error`(arguments: [String]) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(arguments, on: fixture.console) == .usage)
  }
}
