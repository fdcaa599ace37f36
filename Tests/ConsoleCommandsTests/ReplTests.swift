// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Glibc
import LineJSON
import TestSupport
import Testing

/// The interactive shell without a terminal.
@Suite struct ReplTests {
  private func run(_ text: String, on fixture: CommandFixture, _ arguments: String...) throws -> ExitStatus {
    let path = try fixture.home.write("input", Array(text.utf8))
    fixture.input = open(path, O_RDONLY | O_CLOEXEC)
    defer { close(fixture.input) }
    return CommandRunner.run(["repl"] + arguments, on: fixture.console)
  }

  @Test func `each line is a command`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.status))
    #expect(try run("# a comment\n\nstatus\np2pctl --json 'status'\nrepl\nexit\nstatus\n", on: fixture) == .done)
    #expect(daemon.requests.count == 2)
    #expect(fixture.output.text.contains(#""peer":"alice""#))
    #expect(!fixture.output.text.contains("p2p>"))
  }

  @Test func `last line needs no newline`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.status))
    #expect(try run("status", on: fixture) == .done)
    #expect(daemon.requests.count == 1)
  }

  @Test func `exit status is that of the last command`() throws {
    let fixture = try CommandFixture()
    #expect(try run("status\nhelp\n", on: fixture) == .done)
    #expect(try run("help\nstatus\n", on: fixture) == .unavailable)
    #expect(try run("bogus\nexit\n", on: fixture) == .usage)
    #expect(try run("'open\n", on: fixture) == .usage)
    #expect(try run("", on: fixture) == .done)
  }

  @Test func `options of the shell apply to its lines`() throws {
    let fixture = try CommandFixture()
    let bob = try ScriptedDaemon(at: fixture.socket("bob"), .line(Sample.status))
    let alice = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.status))
    #expect(try run("status\nstatus --peer alice\nsupervisor stop\n", on: fixture, "--peer", "bob", "--json") == .done)
    #expect((bob.requests.count, alice.requests.count) == (1, 1))
    #expect(try fixture.rows().count == 2)
  }

  @Test(arguments: [
    ("'open\n", "unclosed '"), ("get \"a\n", "unclosed \""), ("status \\\n", "trailing backslash"),
    ("repl\n", "Already in the interactive shell."), ("dance\n", "unknown command: dance"),
    ("supervisor\n", "supervisor needs one of: status, start"),
  ])
  func `mistake in a line is reported and the shell continues`(line: String, message: String) throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.status))
    #expect(try run(line + "status\n", on: fixture) == .done)
    #expect(fixture.errors.text.contains(message), "\(fixture.errors.text)")
    #expect(daemon.requests.count == 1)
  }

  @Test func `lines may end in CR LF`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.status))
    #expect(try run("status\r\n  status  \r\n\r\n", on: fixture) == .done)
    #expect(daemon.requests.count == 2)
  }

  @Test func `refused command does not end the shell, Ctrl-C does`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains("hello") { return [.line(ScriptedDaemon.greeting)] }
      return line.contains("lookup")
        ? [.line(Sample.failure(404, "not-found", "no"))] : [.line(Sample.failure(499, "cancelled", "stopped"))]
    }
    #expect(try run("lookup 1\nlookup 2\nget 3\nlookup 4\n", on: fixture) == .interrupted)
    #expect(daemon.requests.count == 3)
  }

  @Test(arguments: [40, 80]) func `help fits a small screen`(columns: Int) throws {
    let fixture = try CommandFixture()
    fixture.terminal.columns = columns
    #expect(try run("help\n", on: fixture) == .done)
    let lines = fixture.output.text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 23 && lines.allSatisfy { CellWidth.of($0) <= columns })
    for verb in ["add", "get", "doctor", "supervisor"] { #expect(lines.contains { $0.hasPrefix(verb) }) }
  }

  /// The paths that `add` sends for a line.
  private func added(_ line: String) throws -> [String] {
    let fixture = try CommandFixture()
    for name in ["a1.txt", "a2.txt", "b c.txt", "-r"] { try fixture.home.write(name, []) }
    fixture.workingDirectory = fixture.home.path
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"), .line(#"{"id":2,"status":200,"added":0,"failed":0,"announced":true}"#))
    _ = try run(line.replacing("HOME", with: fixture.home.path) + "\n", on: fixture)
    let request = try #require(daemon.requests.first, "\(fixture.errors.text)")
    let paths = try Jansson.decode(request.utf8)["paths"]?.array?.compactMap(\.string) ?? []
    return paths.map { $0.replacing(fixture.home.path, with: "~") }
  }

  @Test(arguments: [
    ("add ~/a1.txt", ["~/a1.txt"]), ("add HOME/a*.txt", ["~/a1.txt", "~/a2.txt"]),
    ("add ~/a?.txt ~/b\\ c.txt", ["~/a1.txt", "~/a2.txt", "~/b c.txt"]), ("add ~/*\" c\".txt", ["~/b c.txt"]),
    ("add HOME/'a*.txt'", ["~/a*.txt"]), ("add HOME/a\\*.txt", ["~/a*.txt"]), ("add HOME/x*", ["~/x*"]),
    ("add '~/a1.txt'", ["~/~/a1.txt"]), ("add HOME/[ab][1-9].txt", ["~/a1.txt", "~/a2.txt"]),
  ])
  func `tilde and patterns of file names are expanded`(line: String, paths: [String]) throws {
    #expect(try added(line) == paths)
  }

  @Test func `keys are not expanded, values that are paths are`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.failure(404, "not-found", "no")))
    _ = try run("lookup file/*\nget file/~x -o ~/there\n", on: fixture)
    #expect(daemon.requests.first?.contains(#""key":"file/*""#) == true)
    #expect(daemon.requests.last?.contains(#""key":"file/~x","path":"\#(fixture.home.path)/there""#) == true)
  }

  @Test func `NUL is rejected`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice"), .line(Sample.status))
    #expect(try run("add a\0b\n", on: fixture) == .usage)
    #expect(daemon.requests.isEmpty)
  }

  @Test func `endless line is rejected`() throws {
    let fixture = try CommandFixture()
    #expect(try run(String(repeating: "x", count: (1 << 20) + 5), on: fixture) == .usage)
  }
}

@Suite struct HistoryFileTests {
  @Test func `history is private`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("history")
    HistoryFile(path: path)?.append("list 日本")
    HistoryFile(path: path)?.append("exit")
    #expect(HistoryFile(path: path)?.lines == ["list 日本", "exit"])
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
  }

  @Test func `links are not followed`() throws {
    let directory = try TemporaryDirectory()
    let target = try directory.write("target", Array("precious\n".utf8))
    #expect(symlink(target, directory.file("symbolic")) == 0)
    #expect(link(target, directory.file("hard")) == 0)
    #expect(mkfifo(directory.file("pipe"), 0o600) == 0)
    for name in ["symbolic", "hard", "pipe", "missing/history"] {
      #expect(HistoryFile(path: directory.file(name)) == nil)
    }
    #expect(TemporaryDirectory.read(target) == Array("precious\n".utf8))
  }

  @Test func `history is bounded`() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(
      "history", Array((0..<HistoryFile.maxLines + 10).map { "line \($0)\n" }.joined().utf8))
    #expect(HistoryFile(path: path)?.lines.count == HistoryFile.maxLines)
    #expect(HistoryFile(path: path)?.lines.count == HistoryFile.maxLines / 2)
    #expect(HistoryFile(path: path)?.lines.last == "line \(HistoryFile.maxLines + 9)")
  }
}
