// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Foundation
import Glibc
import TestSupport
import Testing

/// Help texts, examples and suggestions against the commands that exist.
@Suite struct CommandTreeTests {
  private func help(_ words: [String], columns: Int = 80) throws -> String {
    let fixture = try CommandFixture()
    fixture.terminal.columns = columns
    #expect(CommandRunner.run(words + ["--help"], on: fixture.console) == .done)
    return fixture.output.text
  }

  /// The names in the SUBCOMMANDS section of a help text.
  private func subcommands(_ words: [String]) throws -> [String] {
    let lines = try help(words).split(separator: "\n", omittingEmptySubsequences: false)
    let section = lines.drop { $0 != "SUBCOMMANDS:" }.dropFirst().prefix { !$0.isEmpty }
    return section.filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }
  }

  private func allCommands() throws -> [[String]] {
    try subcommands([]).flatMap { name in
      let nested = try subcommands([name])
      return nested.isEmpty ? [[name]] : nested.map { [name, $0] }
    }
  }

  /// Whether the parser accepts a command line. Nothing runs in the home of the fixture.
  private func isAccepted(_ line: String) throws -> Bool {
    let fixture = try CommandFixture()
    fixture.input = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(fixture.input) }
    let command = line.split(separator: " #", maxSplits: 1).first.map(String.init) ?? ""
    let words = try ShellWords.split(command)
    return CommandRunner.run(Array(words.dropFirst()), on: fixture.console) != .usage
  }

  @Test func `tree has all commands`() throws {
    #expect(
      try allCommands().map { $0.joined(separator: " ") } == [
        "add", "lookup", "list", "get", "remove", "status", "peers", "transfers", "pause", "resume", "cancel", "limit",
        "watch", "join", "network invite", "network members", "network revoke", "network ban", "network unban",
        "network bans", "network claim", "network log", "network limits", "connect", "logs", "doctor", "repl",
        "supervisor status", "supervisor start", "supervisor stop", "supervisor restart", "supervisor reload",
      ])
  }

  @Test func `every example is a valid command line`() throws {
    // An example may be two commands.
    let commands = try ([[], ["supervisor"], ["network"]] + allCommands()).flatMap { words in
      try help(words).split(separator: "\n").last?.split(separator: "&&").map(String.init) ?? []
    }
    #expect(commands.count >= 23)
    for command in commands { #expect(try isAccepted(command), "\(command)") }
  }

  @Test func `every command line in README is valid`() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    let lines = readme.split(separator: "\n").map(String.init).filter {
      // Without the lines that only work on a terminal.
      $0.hasPrefix("p2pctl ") && !$0.hasPrefix("p2pctl  ")
    }
    #expect(lines.count >= 15)
    for line in lines { #expect(try isAccepted(line), "\(line)") }
  }

  @Test(arguments: [66, 80, 132])
  func `help fits the terminal`(columns: Int) throws {
    for words in try [[], ["supervisor"]] + allCommands() {
      let text = try help(words, columns: columns)
      // The sections below the parser's own text are not wrapped.
      let own = text.split(separator: "\nEXIT STATUS:").first ?? ""
      let wide = own.split(separator: "\n").drop { !$0.hasPrefix("ARGUMENTS") && !$0.hasPrefix("OPTIONS") }
        .filter { CellWidth.of($0) > columns }
      #expect(wide.isEmpty, "\(words): \(wide)")
    }
  }

  @Test func `every help text has one sentence per argument`() throws {
    for words in try allCommands() {
      let fixture = try CommandFixture()
      #expect(CommandRunner.run(["complete", "words"] + words + ["-"], on: fixture.console) == .done)
      for line in fixture.output.text.split(separator: "\n").dropFirst() {
        let parts = line.split(separator: "\t", maxSplits: 1)
        #expect(parts.count == 2 && parts.last?.hasSuffix(".") == true, "\(words): \(line)")
      }
    }
  }

  @Test func `suggested commands exist`() throws {
    let foreign = [
      "ls", "search", "find", "dir", "show", "who", "locate", "share", "put", "upload", "seed", "publish", "download",
      "fetch", "pull", "cp", "rm", "del", "delete", "unshare", "withdraw", "info", "ps", "log", "tail", "check",
      "shell", "start", "stop", "restart", "reload", "index", "downloads", "uploads",
    ]
    let known = Set(try allCommands().map { $0.joined(separator: " ") })
    for word in foreign {
      let fixture = try CommandFixture()
      #expect(fixture.run(word) == .usage)
      let line = try #require(fixture.errors.text.split(separator: "\n").first { $0.contains("Did you mean: ") })
      let meant = line.split(separator: " ").drop { $0 != "p2pctl" }.dropFirst().prefix { !$0.hasPrefix("-") }
      #expect(known.contains(meant.joined(separator: " ")), "\(word): \(line)")
    }
  }

  // MARK: Where options stand

  @Test(arguments: [
    ["--peer", "bob", "status"], ["--peer=bob", "status"], ["status", "--peer", "bob"], ["status", "--peer=bob"],
    ["--json", "--peer", "bob", "status"], ["--peer", "bob", "status", "--json"],
  ])
  func `peer can be selected before and after the command`(arguments: [String]) throws {
    let fixture = try CommandFixture()
    let alice = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.status))
    let bob = try ScriptedDaemon(at: fixture.socket("bob"), .line(Sample.status))
    #expect(CommandRunner.run(arguments, on: fixture.console) == .done)
    #expect((alice.requests.count, bob.requests.count) == (0, 1))
    #expect(fixture.output.text.hasPrefix("{") == arguments.contains("--json"))
  }

  @Test func `arguments after the terminator are not options`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"), .line(#"{"id":2,"status":200,"added":1,"failed":0,"announced":true}"#))
    #expect(fixture.run("add", "--", "--help", "-r", "--version") == .done)
    #expect(
      daemon.requests == [#"{"id":2,"op":"add","paths":["/w/--help","/w/-r","/w/--version"],"recursive":false}"#])
  }

  @Test(arguments: [
    (["--peer"], "--peer needs a value"), (["--dance", "status"], "unknown option --dance before the command"),
    (["supervisor"], "supervisor needs one of: status, start, stop, restart, reload"),
    (["supervisor", "strat"], "unknown command: supervisor strat"), (["help", "dance"], "unknown command: dance"),
    (["--peer", "a", "--socket", "/x"], "--peer and --socket cannot be combined"),
    (["add", "a", "b", "--title", "x"], "--title applies to a single file only"),
    (["add", "a", "--title", "a\u{202E}b"], "--title: a title must not contain bidirectional controls"),
    (["list", "", " "], "no words to search for; without arguments, list shows everything"),
    (["add", "--key", "x/"], "Missing expected argument '<file> ...'"),
    (["connect", "a:1", "--default"], "specify either an address or --default"),
    (["list", "--limit", "0"], "expected a whole number from 1 to 9007199254740991"),
    (["logs", "--lines=-1"], "expected a whole number from 0 to 100000"),
    (["logs", "alice", "--peer", "bob"], "specify the process either by name or with --peer"),
    (
      ["get", "rfc/1", "--content", "xyz"],
      "--content takes 1 to 64 digits of 0-9 and a-f, optionally followed by :SIZE"
    ),
    (["get", "rfc/1", "--from", ""], "--from takes a name or the start of an id"),
    (["supervisor", "start", "alice", "--index", "h:1"], "a process name cannot be combined with flags"),
  ])
  func `usage error says what is wrong`(arguments: [String], message: String) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(arguments, on: fixture.console) == .usage)
    let first = fixture.errors.text.split(separator: "\n").first ?? ""
    #expect(first.hasPrefix("p2pctl: ") && first.hasSuffix(message), "\(fixture.errors.text)")
    #expect(
      fixture.errors.text.contains("p2pctl --help") || fixture.errors.text.contains(" --help\n")
        || fixture.errors.text.contains("Commands: "))
  }

  @Test func `usage is short without a terminal`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run() == .usage)
    #expect(fixture.errors.text.hasPrefix("Usage: p2pctl COMMAND …\nCommands: add, lookup, "))
    #expect(fixture.errors.text.hasSuffix("\nHelp: p2pctl --help\n"))
  }
}
