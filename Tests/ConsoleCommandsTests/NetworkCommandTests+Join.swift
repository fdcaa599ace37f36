// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Glibc
import TestSupport
import Testing

extension NetworkCommandTests {
  @Test func `join hands the ticket to the daemon and says as what it has joined`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture,
      .line(
        #"{"id":2,"status":200,"address":"192.0.2.1:7734","index":"\#(Self.index)","role":"reader","withheld":2}"#))
    #expect(fixture.run("join", " \(Self.ticket)\n", "--share-existing") == .done)
    #expect(daemon.requests == [#"{"id":2,"op":"join","ticket":"\#(Self.ticket)","share_existing":true}"#])
    #expect(
      fixture.output.text.contains("joined the network of the index c1c1c1c1c1c1c1c1 at 192.0.2.1:7734 as reader"))
    #expect(fixture.errors.text.contains("2 documents shared before"))
  }

  @Test func `connect says what the network does not learn`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains("hello") { return [.line(ScriptedDaemon.greeting)] }
      let more = line.contains("share_existing") ? "" : #","withheld":2"#
      return [
        .line(#"{"id":2,"status":200,"address":"192.0.2.1:7734","connected":true,"source":"connect"\#(more)}"#)
      ]
    }
    #expect(fixture.run("connect", "192.0.2.1") == .done)
    #expect(fixture.errors.text.contains("2 documents shared before stay unknown to this network"))
    #expect(fixture.errors.text.contains("p2pctl connect 192.0.2.1:7734 --share-existing"))
    #expect(fixture.run("connect", "192.0.2.1", "--share-existing") == .done)
    #expect(daemon.requests.last == #"{"id":2,"op":"connect","address":"192.0.2.1:7734","share_existing":true}"#)
    #expect(fixture.run("connect", "--share-existing") == .usage)
  }

  @Test(arguments: ["p2p-join:", "nonsense", "p2p-join:e30"])
  func `what is no ticket is a usage error, and nothing is started`(text: String) throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("join", text) == .usage)
    #expect(!fixture.errors.text.contains("daemon"))
  }

  @Test func `a ticket comes from standard input as well`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture, .line(#"{"id":2,"status":200,"address":"192.0.2.1:7734","index":"\#(Self.index)","role":"reader"}"#))
    let path = try fixture.home.write("ticket", Array("\(Self.ticket)\n".utf8))
    fixture.input = open(path, O_RDONLY | O_CLOEXEC)
    defer { close(fixture.input) }
    #expect(fixture.run("join", "-", "--json") == .done)
    #expect(daemon.requests == [#"{"id":2,"op":"join","ticket":"\#(Self.ticket)"}"#])
    #expect(fixture.run("join", "-") == .noInput, "nothing is left to read")
  }

  @Test func `a damaged ticket is not repeated`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("join", Self.ticket.replacing("eyJ", with: "eyK")) == .usage)
    #expect(fixture.run("join", String(Self.ticket.dropLast())) == .usage)
    #expect(!fixture.errors.text.contains(Self.ticket.prefix(40)) && !fixture.output.text.contains(Self.secret))
  }

  // MARK: join at a terminal

  private static let pieces: [String] = {
    let digits = Array(ticket)
    return stride(from: 0, to: digits.count, by: 76).map { String(digits[$0..<min($0 + 76, digits.count)]) }
  }()

  private static let joined =
    #"{"id":2,"status":200,"address":"192.0.2.1:7734","index":"\#(index)","role":"reader"}"#

  @Test(arguments: [["join", "-"], ["join", pieces.first ?? ""], ["join", "<" + (pieces.first ?? ""), pieces[1]]])
  func `a ticket that goes on is read to its end, and what follows is left`(arguments: [String]) throws {
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isInput: true)
    let daemon = try daemon(fixture, .line(Self.joined))
    let rest = Self.pieces.dropFirst(arguments == ["join", "-"] ? 0 : arguments.count - 1)
    fixture.answers =
      (arguments == ["join", "-"] ? ["", "Hello,", ""] : [""]).map { InputLine.text($0) }
      + rest.flatMap { [.text("> " + $0), .text("")] }.dropLast() + [.text("Alice")]
    #expect(CommandRunner.run(arguments, on: fixture.console) == .done, "\(fixture.errors.text)")
    #expect(daemon.requests == [#"{"id":2,"op":"join","ticket":"\#(Self.ticket)"}"#])
    #expect(fixture.answers == [.text("Alice")])
  }

  @Test func `Ctrl-D and Ctrl-C end a ticket that is incomplete, and an empty line does not`() throws {
    for (answers, status) in [
      ([InputLine.text(Self.pieces[0]), .text(" "), .end, .text("x")], ExitStatus.usage),
      ([.text(Self.pieces[0]), .interrupted, .text("x")], .interrupted),
      ([.text(""), .end, .text("x")], .noInput), ([.text("p2p-join:nonsense"), .text("x")], .usage),
    ] {
      let fixture = try CommandFixture()
      fixture.terminal = Console.Terminal(isInput: true)
      fixture.answers = answers
      #expect(fixture.run("join", "-") == status)
      #expect(fixture.answers == [.text("x")], "\(fixture.errors.text)")
    }
  }

  @Test func `the first question takes no piece of a ticket for a host`() throws {
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
    fixture.answers = [.text(Self.pieces[1])]
    #expect(fixture.run("list") == .unavailable)
    #expect(
      fixture.errors.text.contains("perhaps a piece of a ticket") && !fixture.errors.text.contains(Self.pieces[1]))
  }

  @Test func `the first question takes a ticket, in pieces as well`() throws {
    for first in ["", "p2pctl join "] {
      let fixture = try CommandFixture()
      fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
      try fixture.install("#!/bin/sh\necho \"[$@]\" >&2\nexit 1\n")
      fixture.answers = [.text(first + Self.pieces[0])] + Self.pieces.dropFirst().map { .text($0) }
      #expect(fixture.run("list") == .failed)
      #expect(fixture.answers.isEmpty)
      #expect(fixture.errors.text.contains("[run --home \(fixture.home.path) --peer alice]"), "\(fixture.errors.text)")
      #expect(!fixture.errors.text.contains("eyJ"))
    }
  }

  @Test(arguments: ["--- ", "- ", "-"]) func `no option parser gets the line of a ticket`(mark: String) throws {
    for isWhole in [true, false] {
      let fixture = try CommandFixture()
      fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
      try fixture.install("#!/bin/sh\necho \"[$@]\" >&2\nexit 1\n")
      fixture.answers =
        isWhole
        ? [.text(mark + Self.ticket)] : [.text(mark + Self.pieces[0])] + Self.pieces.dropFirst().map { .text($0) }
      #expect(fixture.run("list") == .failed)
      #expect(fixture.answers.isEmpty && fixture.errors.text.contains("[run --home"), "\(fixture.errors.text)")
      #expect(!fixture.errors.text.contains("eyJ"))
    }
    let fixture = try CommandFixture()
    #expect(fixture.run("join", "-x\(mark)\(Self.ticket)") == .usage)
    #expect(fixture.run("-x", mark + Self.ticket) == .usage)
    #expect(fixture.run(mark + Self.ticket) == .usage)
    #expect(!fixture.errors.text.contains("eyJ"), "\(fixture.errors.text)")
  }

  @Test func `an empty line of a mail does not start an index, and its ticket is found`() throws {
    for (answers, status) in [
      (["", "Hello Bob,", "", "192.0.2.1", ""] + Self.pieces.flatMap { [$0, ""] }.dropLast(), ExitStatus.failed),
      (["", ""], .unavailable), (["", "192.0.2.1", "192.0.2.2"], .unavailable),
    ] {
      let fixture = try CommandFixture()
      fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
      try fixture.install("#!/bin/sh\necho \"[$@]\" >&2\nexit 1\n")
      fixture.input = open("/dev/zero", O_RDONLY | O_CLOEXEC)
      defer { close(fixture.input) }
      fixture.answers = answers.map { .text($0) }
      #expect(fixture.run("list") == status, "\(fixture.errors.text)")
      #expect(fixture.errors.text.contains("[run --home") == (status == .failed), "\(fixture.errors.text)")
      #expect(!fixture.errors.text.contains("--index"))
    }
  }

  @Test(arguments: [
    ("# old ticket: \(ticket)", ExitStatus.done), ("add \"\(ticket)", .usage), ("add \"p2p-join:notes", .usage),
  ])
  func `neither a comment nor another command joins`(line: String, status: ExitStatus) throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Self.joined))
    let path = try fixture.home.write("input", Array("\(line)\n".utf8))
    fixture.input = open(path, O_RDONLY | O_CLOEXEC)
    defer { close(fixture.input) }
    #expect(fixture.run("repl") == status)
    #expect(daemon.requests.isEmpty)
    #expect(fixture.errors.text.contains("unclosed") == (status == .usage), "\(fixture.errors.text)")
  }

  @Test(arguments: [
    "\(ticket)", "- \(ticket)", "--- \(ticket)", "> \(ticket)", "\"\(ticket)", "p2pctl join <\(ticket)>",
    "p2pctl \(ticket)",
  ])
  func `the shell joins with a ticket alone`(line: String) throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Self.joined))
    let path = try fixture.home.write("input", Array("\(line)\n".utf8))
    fixture.input = open(path, O_RDONLY | O_CLOEXEC)
    defer { close(fixture.input) }
    #expect(fixture.run("repl") == .done, "\(fixture.errors.text)")
    #expect(daemon.requests == [#"{"id":2,"op":"join","ticket":"\#(Self.ticket)"}"#])
  }

  @Test func `the history keeps no tickets and no pieces of them`() throws {
    let directory = try TemporaryDirectory()
    let history = try #require(HistoryFile(path: directory.file("history")))
    for line in ["join \(Self.ticket)", "> \(Self.ticket)", "get \(Self.ticket)", "join -"] + Self.pieces {
      history.append(line)
    }
    for piece in Self.pieces { history.append("> \(piece)=") }
    let kept = ["list", "gte x", "p2pctl get file/AVeryLongNameOfAFile2026", "exit"]
    for line in kept { history.append(line) }
    let again = try #require(HistoryFile(path: directory.file("history")))
    #expect(again.lines == kept)
  }
}
