// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import DocumentModel
import Glibc
import LineJSON
import TestSupport
import Testing
import WireProtocol

/// Commands against a scripted daemon.
@Suite struct CommandTests {
  private func daemon(_ fixture: CommandFixture, _ steps: ScriptedDaemon.Step...) throws -> ScriptedDaemon {
    try ScriptedDaemon(at: fixture.socket("alice")) { line in
      line.contains(#""op":"hello""#) ? [.line(ScriptedDaemon.greeting)] : steps
    }
  }

  // MARK: status

  @Test func `status is readable`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Sample.status))
    #expect(fixture.run("status") == .done)
    #expect(fixture.output.text.contains("peer     alice\n"))
    #expect(fixture.output.text.contains("index    127.0.0.1:7734, connected since 2026-01-02T03:04:05Z\n"))
    #expect(fixture.output.text.contains("shares   3 documents, 4.9 KiB\n"))
    #expect(daemon.requests == [#"{"id":2,"op":"status"}"#])
  }

  @Test func `status shows why the index is not connected`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture,
      .line(
        Sample.status.replacing(
          #""connected":true"#, with: #""error":"Connection refused\u001b[2J","connected":false"#)))
    #expect(fixture.run("status") == .done)
    #expect(fixture.output.text.contains(#"05Z: Connection refused\u{1B}[2J"# + "\n"))
    #expect(fixture.run("status", "--json") == .done)
    #expect(fixture.output.text.contains(#""error":"Connection refused"#))
    _ = daemon
  }

  @Test func `status JSON has all fields`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Sample.status))
    #expect(fixture.run("--json", "status") == .done)
    let row = try #require(try fixture.rows().first)
    #expect(row["peer"]?.string == "alice")
    #expect(row["id"]?.string == Sample.id)
    #expect(row["index"]?["source"]?.string == "settings")
    #expect(row["documents"]?.integer == 3)
    #expect(row["bytes"]?.integer == 5000)
    _ = daemon
  }

  @Test func `status shows what was moved`() throws {
    let fixture = try CommandFixture()
    let moved = #","uploaded":1048576,"downloaded":5,"since":"2026-01-02T03:04:05Z"}"#
    let daemon = try daemon(fixture, .line(Sample.status.dropLast() + moved))
    #expect(fixture.run("status") == .done)
    #expect(fixture.output.text.contains("moved    1.0 MiB up, 5 B down since 2026-01-02T03:04:05Z\n"))
    #expect(fixture.run("--json", "status") == .done)
    #expect(fixture.output.text.contains(moved.dropLast()))
    _ = daemon
  }

  // MARK: lookup and list

  @Test func `lookup takes a bare number and prints one row per holder`() throws {
    let fixture = try CommandFixture()
    let contents =
      "{\(Sample.content(holders: [Sample.holder(), Sample.holder("carol", id: Sample.id, complete: false)]))},"
      + "{\(Sample.content(root: Sample.otherRoot, title: "Other"))}"
    let daemon = try daemon(
      fixture, .line(#"{"id":2,"status":200,"key":"rfc/793","contents":[\#(contents)],"more":1}"#))
    #expect(fixture.run("lookup", "0793", "--json") == .done)
    #expect(daemon.requests == [#"{"id":2,"op":"lookup","key":"rfc/793"}"#])
    let rows = try fixture.rows()
    #expect(rows.count == 3)
    let first = try #require(rows.first)
    for name in ["key", "title", "content", "size", "total", "peer", "id", "host", "port", "complete", "proven"] {
      #expect(first[name] != nil, "\(name)")
    }
    #expect(rows.map { $0["peer"]?.string } == ["bob", "carol", "bob"])
    #expect(rows.map { $0["complete"]?.bool } == [true, false, true])
    #expect(fixture.errors.text.contains("1 more content"))
  }

  @Test func `lookup prints a table`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture, .line(#"{"id":2,"status":200,"key":"rfc/793","contents":[{\#(Sample.content())}],"more":0}"#))
    #expect(fixture.run("lookup", "793") == .done)
    #expect(fixture.output.text.contains("1c1c1c1c1c1c  173.8 KiB  bob   a0a0a0a0a0a0  192.0.2.7:40001  all  TCP\n"))
    _ = daemon
  }

  @Test func `missing key is not found`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Sample.failure(404, "not-found", "nothing is shared under rfc/1")))
    #expect(fixture.run("lookup", "1") == .notFound)
    #expect(fixture.output.text.isEmpty)
    #expect(fixture.errors.text.hasPrefix("p2pctl: nothing is shared under rfc/1\n"))
    _ = daemon
  }

  /// A daemon that lists two keys and finds nothing else.
  private func forgetful(_ fixture: CommandFixture) throws -> ScriptedDaemon {
    try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains("hello") { return [.line(ScriptedDaemon.greeting)] }
      guard line.contains(#""op":"list""#) else { return [.line(Sample.failure(404, "not-found", "it is not there"))] }
      return ["file/two words", "file/other"].map {
        .line(#"{"event":"document","key":"\#($0)","# + Sample.content() + "}")
      }
        + [.line(#"{"id":2,"status":200,"documents":2}"#)]
    }
  }

  @Test(arguments: [["lookup"], ["get"], ["remove"]])
  func `similar keys are suggested on a terminal only`(verb: [String]) throws {
    let fixture = try CommandFixture()
    let daemon = try forgetful(fixture)
    #expect(CommandRunner.run(verb + ["file/tow words"], on: fixture.console) == .notFound)
    #expect(fixture.errors.text == "p2pctl: it is not there\n")
    fixture.terminal.isErrors = true
    #expect(CommandRunner.run(verb + ["file/tow words"], on: fixture.console) == .notFound)
    #expect(fixture.errors.text.hasSuffix("p2pctl: it is not there\n  Did you mean: file/two\\ words\n"))
    #expect(CommandRunner.run(verb + ["file/nothing like it"], on: fixture.console) == .notFound)
    #expect(fixture.errors.text.hasSuffix("p2pctl: it is not there\n"))
    #expect(daemon.requests.count { $0.contains(#""op":"list""#) } == 2)
    #expect(daemon.requests.allSatisfy { !$0.contains("list") || $0.contains(#""limit":1000"#) })
  }

  @Test func `similar peers are suggested`() throws {
    let fixture = try CommandFixture()
    fixture.terminal.isErrors = true
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains("hello") { return [.line(ScriptedDaemon.greeting)] }
      return [
        .line(
          line.contains("lookup")
            ? #"{"id":2,"status":200,"key":"rfc/793","contents":[{\#(Sample.content())}],"more":0}"#
            : Sample.failure(404, "not-found", "no holder of rfc/793 is called bbo"))
      ]
    }
    #expect(fixture.run("get", "793", "--from", "bbo") == .notFound)
    #expect(fixture.errors.text.hasSuffix("is called bbo\n  Did you mean: --from bob\n"))
    _ = daemon
  }

  @Test func `list sends its arguments and escapes rows`() throws {
    let fixture = try CommandFixture()
    let event = #"{"event":"document","key":"file/日本","# + Sample.content(title: #"a\u2028b"#) + "}"
    let daemon = try daemon(
      fixture, .line(event), .line(#"{"event":"sparkle"}"#), .line(#"{"id":2,"status":200,"documents":1}"#))
    #expect(fixture.run("list", "control", "proto", "--collection", "rfc", "--limit", "7") == .done)
    #expect(
      daemon.requests
        == [#"{"id":2,"op":"list","collection":"rfc","words":"control proto","limit":7}"#])
    #expect(fixture.output.text.hasSuffix(#"file/日本  173.8 KiB        1  a\u{2028}b"# + "\n"))
  }

  @Test func `prefix lists one level with counts`() throws {
    let fixture = try CommandFixture()
    let events = [
      #"{"event":"level","prefix":"data/cats/big/","documents":12}"#,
      #"{"event":"document","key":"data/cats/x","# + Sample.content() + "}",
    ]
    let daemon = try daemon(
      fixture, .line(events[0]), .line(events[1]), .line(#"{"id":2,"status":200,"documents":13}"#))
    #expect(fixture.run("list", "data/cats/") == .done)
    #expect(
      fixture.output.text
        == "KEY                     SIZE  HOLDERS  TITLE\ndata/cats/big/  12 documents\n"
        + "data/cats/x        173.8 KiB        1  TCP\n")
    #expect(fixture.run("list", "data/cats/", "--flat") == .done)
    #expect(fixture.run("list", "data/cats/", "--json") == .done)
    #expect(
      daemon.requests == [
        #"{"id":2,"op":"list","prefix":"data/cats/","level":true}"#, #"{"id":2,"op":"list","prefix":"data/cats/"}"#,
        #"{"id":2,"op":"list","prefix":"data/cats/"}"#,
      ])
  }

  @Test func `prefix without documents is searched as a word`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"documents":0}"#))
    #expect(fixture.run("list", "cats/", "--mine") == .done)
    #expect(daemon.requests.count == 2 && daemon.requests.last?.contains(#""words":"cats/""#) == true)
    #expect(fixture.errors.text == "Nothing that you share matches. Everything: p2pctl list --mine\n")
  }

  @Test(
    arguments: [
      (["file/set"], nil, false, "file/set"), (["rfc"], nil, false, "rfc"), (["a/", "b"], "a/", true, "b"),
      (["b", "data/x/"], "data/x/", true, "b"), (["/"], "", true, nil), (["No/"], nil, false, "No/"),
      (["file//"], nil, false, "file//"), (["rfc/"], "rfc/", true, nil), ([], nil, false, nil),
    ] as [([String], String?, Bool, String?)])
  func `words of a list are told from prefixes`(words: [String], prefix: String?, level: Bool, rest: String?) {
    let plan = ListPlan(words, collection: nil, limit: nil, mine: false, isFlat: false)
    #expect(plan.request.prefix == prefix && plan.request.level == level && plan.request.words == rest)
    #expect((plan.alternative != nil) == (prefix != nil))
    #expect(plan.isNarrowed == !(words.isEmpty || words == ["/"]))
    #expect(!ListPlan(words, collection: nil, limit: nil, mine: false, isFlat: true).request.level)
  }

  @Test func `empty list succeeds`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"documents":0}"#))
    #expect(fixture.run("list") == .done)
    #expect(fixture.run("list", "--json") == .done)
    #expect(fixture.output.text.isEmpty)
    _ = daemon
  }

  @Test(arguments: ["withdrawn", "withheld"])
  func `list of own shares shows paths and states`(state: String) throws {
    let fixture = try CommandFixture()
    let document = #""key":"file/x","title":"","content":"\#(Sample.root)","size":5,"modified":"1981-09-01T00:00:00Z""#
    let daemon = try daemon(
      fixture, .line(#"{"event":"document",\#(document),"total":0,"holders":[],"path":"/a/x","state":"\#(state)"}"#),
      .line(#"{"id":2,"status":200,"documents":1}"#))
    #expect(fixture.run("list", "--mine") == .done)
    #expect(fixture.output.text.contains(state))
    #expect(fixture.run("list", "--mine", "--json") == .done)
    #expect(fixture.output.text.contains(#""path":"/a/x","state":"\#(state)""#))
    #expect(daemon.requests.first?.contains(#""mine":true"#) == true)
  }

  // MARK: remove, peers, transfers, connect

  @Test func `remove confirms the key`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"removed":1}"#))
    #expect(fixture.run("remove", "file/x") == .done)
    #expect(fixture.output.text == "file/x is no longer shared\n")
    #expect(fixture.run("remove", "file/x", "--json") == .done)
    #expect(fixture.output.text.hasSuffix(#"{"key":"file/x","removed":1}"# + "\n"))
    _ = daemon
  }

  @Test func `peers prints rows`() throws {
    let fixture = try CommandFixture()
    let event = #"{"event":"peer","peer":"\#(Sample.otherID)","name":"bob","host":"::1","port":5,"documents":4}"#
    let daemon = try daemon(fixture, .line(event), .line(#"{"id":2,"status":200,"peers":1}"#))
    #expect(fixture.run("peers", "--limit", "9") == .done)
    #expect(fixture.output.text.hasSuffix("bob   a0a0a0a0a0a0          4  [::1]:5\n"))
    #expect(fixture.run("peers", "--json") == .done)
    #expect(
      fixture.output.text.contains(#"{"peer":"bob","id":"\#(Sample.otherID)","host":"::1","port":5,"documents":4}"#))
    #expect(daemon.requests.first == #"{"id":2,"op":"peers","limit":9}"#)
  }

  @Test func `transfers prints rows`() throws {
    let fixture = try CommandFixture()
    let event =
      #"{"event":"transfer","id":1,"direction":"upload","state":"active","content":"\#(Sample.root)","size":2048,"#
      + #""received":1024,"rate":512,"sources":[{"peer":"bob","id":"\#(Sample.otherID)","rate":512,"bytes":1024}]}"#
    let daemon = try daemon(fixture, .line(event), .line(#"{"id":2,"status":200,"transfers":1}"#))
    #expect(fixture.run("transfers") == .done)
    #expect(
      fixture.output.text.hasSuffix(
        " 1  active  upload      50%  1.0 KiB  2.0 KiB  512 B/s     -  bob   1c1c1c1c1c1c\n"))
    #expect(fixture.run("transfers", "--json") == .done)
    #expect(fixture.output.text.contains(#""direction":"upload""#))
    _ = daemon
  }

  @Test func `connect reports whether it is connected`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains("hello") { return [.line(ScriptedDaemon.greeting)] }
      let isUp = line.contains("example")
      let more = isUp ? "" : #","error":"Connection refused""#
      return [
        .line(
          #"{"id":2,"status":200,"address":"index.example.org:7734","connected":\#(isUp),"source":"connect"\#(more)}"#)
      ]
    }
    #expect(fixture.run("connect", "index.example.org") == .done)
    #expect(fixture.output.text == "connected to index.example.org:7734\n")
    #expect(fixture.run("connect", "--default") == .unavailable)
    #expect(fixture.output.text == "connected to index.example.org:7734\n")
    #expect(
      fixture.errors.text.hasPrefix("p2pctl: no index answers at index.example.org:7734: Connection refused\n"))
    #expect(fixture.errors.text.contains("keeps retrying"))
    #expect(!fixture.errors.text.contains("Undo with"))
    #expect(fixture.run("connect", "other") == .unavailable)
    #expect(fixture.errors.text.contains("Undo with: p2pctl connect --default"))
    #expect(
      daemon.requests == [
        #"{"id":2,"op":"connect","address":"index.example.org:7734"}"#, #"{"id":2,"op":"connect","default":true}"#,
        #"{"id":2,"op":"connect","address":"other:7734"}"#,
      ])
  }

  @Test func `connect without an address shows the index`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Sample.status))
    #expect(fixture.run("connect") == .done)
    #expect(fixture.output.text == "127.0.0.1:7734, connected since 2026-01-02T03:04:05Z\n")
    #expect(fixture.run("connect", "--json") == .done)
    #expect(fixture.output.text.hasSuffix(#","since":"2026-01-02T03:04:05Z","source":"settings"}"# + "\n"))
    #expect(daemon.requests.allSatisfy { $0.contains(#""op":"status""#) })
  }

  @Test func `status of the index shows its counts`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture,
      .line(#"{"id":2,"status":200,"documents":9,"keys":8,"records":12,"peers":3,"sessions":4,"more":1}"#))
    #expect(fixture.run("status", "--index") == .done)
    #expect(fixture.output.text == "documents  9\nkeys       8\nrecords    12\npeers      3\nsessions   4\n")
    #expect(fixture.run("status", "--index", "--json") == .done)
    #expect(
      fixture.output.text.hasSuffix(#"{"documents":9,"keys":8,"records":12,"peers":3,"sessions":4}"# + "\n"))
    #expect(daemon.requests.first == #"{"id":2,"op":"stats"}"#)
  }

  @Test func `status of the index shows its memory, its delays and whom it refused`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture,
      .line(
        #"{"id":2,"status":200,"documents":9,"keys":8,"records":12,"peers":3,"sessions":4,"bytes":2000,"#
          + #""delay":{"p50":12,"p99":300,"max":9000},"refusals":[{"limit":"records","count":3}],"#
          + #""refused":[{"host":"192.0.2.9","limit":"records","count":3}]}"#))
    #expect(fixture.run("status", "--index") == .done)
    #expect(fixture.output.text.contains("waits      median 0.0 ms, 99 % 0.3 ms, longest 9.0 ms\n"))
    #expect(fixture.output.text.hasSuffix("refusals   records 3\nrefused    192.0.2.9 3 (records)\n"))
    _ = daemon
  }

  @Test func `lost state is shown with the status`() throws {
    let fixture = try CommandFixture()
    let reply = Sample.status.dropLast() + #","error":"/s/catalogue.sqlite: was removed"}"#
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(String(reply)))
    #expect(fixture.run("status") == .done)
    #expect(fixture.output.text.hasSuffix("\nproblem  /s/catalogue.sqlite: was removed\n"))
    let before = fixture.output.text.count
    #expect(fixture.run("status", "--json") == .done)
    let object = try Jansson.decode(fixture.output.text.dropFirst(before).utf8)
    #expect(object["error"] == "/s/catalogue.sqlite: was removed")
    _ = daemon
  }

  @Test(arguments: [
    (#","state":"stopped""#, ""), (#","state":"parked""#, "  Find the cause: p2pctl logs\n"),
    ("", "  Check for problems: p2pctl doctor\n  Try again in 30 s.\n"),
  ])
  func `peer that is down is named with its own command`(state: String, hints: String) throws {
    let fixture = try CommandFixture()
    let notice =
      #"{"id":null,"status":503,"error":"unavailable","message":"alice is down","retry_after":30\#(state)}"#
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { _ in [.line(notice), .close] }
    for verb in ["status", "list"] {
      #expect(fixture.run(verb) == .unavailable)
      #expect(fixture.errors.text.hasSuffix("p2pctl: alice is down\n\(hints)"))
    }
    _ = daemon
  }

  @Test func `failed command does not advise itself`() throws {
    let fixture = try CommandFixture()
    fixture.helloTimeout = .milliseconds(50)
    let daemon = try ScriptedDaemon(at: fixture.socket("supervisor")) { _ in [.silence] }
    #expect(fixture.run("supervisor", "status") == .unavailable)
    #expect(!fixture.errors.text.contains("p2pctl supervisor status"))
    #expect(fixture.errors.text.contains("p2pctl supervisor restart"))
    _ = daemon
  }

  @Test func `remove of nothing is not found`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"removed":0}"#))
    #expect(fixture.run("remove", "file/x", "--content", "1c") == .notFound)
    #expect(daemon.requests == [#"{"id":2,"op":"remove","key":"file/x","content":"1c"}"#])
  }

  @Test(arguments: [
    (["list"], "documents", "No documents found.\n"),
    (["list", "rfc793"], "documents", "No documents found.\nDid you mean: p2pctl list rfc/793\n"),
    (["list", "rfc/793"], "documents", "No documents found.\n"),
    (
      ["list", "?!"], "documents",
      "No documents found.\nThere are no letters or digits to search for. Everything: p2pctl list\n"
    ),
    (["list", "--mine"], "documents", "You are not sharing anything yet. Start with: p2pctl add FILE\n"),
    (["transfers"], "transfers", "No active transfers.\n"), (["peers"], "peers", ""),
  ])
  func `empty answer has a note for people only`(arguments: [String], count: String, note: String) throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"\#(count)":0}"#))
    #expect(CommandRunner.run(arguments, on: fixture.console) == .done)
    #expect(fixture.errors.text == note)
    #expect(CommandRunner.run(arguments + ["--json"], on: fixture.console) == .done)
    #expect(fixture.errors.text == note)
    #expect(fixture.output.text.isEmpty)
    _ = daemon
  }

  @Test(arguments: [24, 40, 80]) func `tables are cut to the terminal only`(columns: Int) throws {
    let fixture = try CommandFixture()
    let title = String(repeating: "a long title ", count: 20)
    let event = #"{"event":"document","key":"file/x","# + Sample.content(title: title) + "}"
    let daemon = try daemon(fixture, .line(event), .line(#"{"id":2,"status":200,"documents":1}"#))
    fixture.terminal = Console.Terminal(isOutput: true, columns: columns)
    #expect(fixture.run("list") == .done)
    #expect(fixture.output.text.split(separator: "\n").allSatisfy { CellWidth.of($0) <= columns })
    let file = try CommandFixture()
    file.terminal.columns = columns
    let other = try self.daemon(file, .line(event), .line(#"{"id":2,"status":200,"documents":1}"#))
    #expect(file.run("list") == .done)
    #expect(file.output.text.contains(title.dropLast()))
    _ = (daemon, other)
  }

  @Test func `status names an index chosen with connect`() throws {
    let fixture = try CommandFixture()
    let line = Sample.status.replacing(#""source":"settings""#, with: #""source":"connect""#)
    let daemon = try daemon(fixture, .line(line))
    #expect(fixture.run("status") == .done)
    #expect(fixture.output.text.contains("2026-01-02T03:04:05Z (chosen with connect)\n"))
    _ = daemon
  }

  @Test func `failure of a daemon keeps its fields under JSON`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture,
      .line(
        Sample.failure(
          429, "too-many", "too \\u001b many", #","limit":"requests","value":5,"retry_after":3"#)))
    #expect(fixture.run("status", "--json") == .unavailable)
    let object = try Jansson.decode(fixture.errors.text.dropLast().utf8)
    #expect(object["status"] == 429 && object["error"] == "too-many" && object["message"] == "too \u{1B} many")
    #expect(object["limit"] == "requests" && object["value"] == 5 && object["retry_after"] == 3)
    #expect(object["exit"] == 69)
    _ = daemon
  }

  // MARK: Output

  @Test func `closed reader is not a failure`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Sample.status))
    fixture.output.failure = (after: 0, .closed)
    #expect(fixture.run("status") == .done)
    #expect(fixture.errors.text.isEmpty)
    fixture.output.failure = (after: 0, .system(ENOSPC))
    #expect(fixture.run("status") == .cannotCreate)
    #expect(fixture.errors.text.contains("No space left"))
    fixture.output.failure = (after: 0, .interrupted)
    #expect(fixture.run("status") == .interrupted)
    _ = daemon
  }
}
