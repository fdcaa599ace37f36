// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Glibc
import TestSupport
import Testing

/// How `supervisor start` starts a process and reports its end.
@Suite struct LaunchTests {
  private func start(_ script: String, on fixture: CommandFixture) throws -> ExitStatus {
    try fixture.install("#!/bin/sh\n\(script)\n")
    return fixture.run("supervisor", "start")
  }

  @Test(arguments: [
    ("exit 64", ExitStatus.usage), ("exit 66", .noInput), ("exit 69", .unavailable), ("exit 73", .cannotCreate),
    ("exit 77", .notPermitted), ("exit 1", .failed), ("exit 0", .failed), ("exit 200", .failed),
    ("kill -9 $$", .failed),
  ])
  func `exit status of the supervisor is passed on if it is a known failure`(script: String, status: ExitStatus) throws
  {
    let fixture = try CommandFixture()
    #expect(try start(script, on: fixture) == status)
    #expect(fixture.errors.text.hasPrefix("p2pctl: the supervisor "))
    #expect(fixture.errors.text.hasSuffix("Log: \(fixture.home.path)/log/supervisor.log\n"))
    #expect(fixture.output.text.isEmpty)
  }

  @Test func `last lines are bounded and escaped`() throws {
    let fixture = try CommandFixture()
    let script = #"i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i+1)); done; printf 'bad \033[2J\n' >&2; exit 1"#
    #expect(try start(script, on: fixture) == .failed)
    let lines = fixture.errors.text.split(separator: "\n").drop { !$0.hasSuffix("Its last output:") }.dropFirst()
    #expect(lines.count == 13)
    #expect(lines.first == "  line 489")
    #expect(lines.dropLast().last == #"  bad \u{1B}[2J"#)
  }

  @Test func `process runs in the root directory without standard input`() throws {
    let fixture = try CommandFixture()
    #expect(try start("pwd; readlink /proc/$$/fd/0; exit 1", on: fixture) == .failed)
    #expect(fixture.errors.text.contains("\n  /\n  /dev/null\n"), "\(fixture.errors.text)")
  }

  @Test func `log is private and appended to`() throws {
    let fixture = try CommandFixture()
    _ = try start("echo first; exit 1", on: fixture)
    _ = try start("echo second; exit 1", on: fixture)
    let path = fixture.home.file("log/supervisor.log")
    #expect(TemporaryDirectory.read(path) == Array("first\nsecond\n".utf8))
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(stat(fixture.home.file("log"), &status) == 0 && status.st_mode & 0o777 == 0o700)
  }

  @Test func `log is not written through a link`() throws {
    let fixture = try CommandFixture()
    let target = try fixture.home.write("target", Array("precious\n".utf8))
    mkdir(fixture.home.file("log"), 0o700)
    let path = fixture.home.file("log/supervisor.log")
    #expect(symlink(target, path) == 0)
    #expect(try start("echo x; exit 1", on: fixture) == .failed)
    #expect(TemporaryDirectory.read(target) == Array("precious\n".utf8))
    #expect(TemporaryDirectory.read(path) == Array("x\n".utf8))
    var status = stat()
    #expect(lstat("\(path).aside", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
  }

  @Test func `home below a file cannot be created`() throws {
    let fixture = try CommandFixture()
    fixture.homeVariable = try fixture.home.write("file", []) + "/home"
    #expect(try start("exit 1", on: fixture) == .cannotCreate)
    #expect(fixture.errors.text.hasPrefix("p2pctl: cannot create \(fixture.home.path)/file/home"))
  }

  @Test(arguments: [
    (["--serve-index"], "--serve-index 127.0.0.1:7734"), (["--serve-index", ":7734"], "--serve-index :7734"),
    (["--index", "h"], "--index h"), (["--peer", "a", "--peer", "b=:0"], "--peer a --peer b=:0"),
    (["--config", "../c"], "--config /w/../c"), ([], ""),
  ])
  func `flags are passed to the supervisor`(arguments: [String], flags: String) throws {
    let fixture = try CommandFixture()
    try fixture.install("#!/bin/sh\necho \"[$@]\"\nexit 1\n")
    #expect(CommandRunner.run(["supervisor", "start"] + arguments, on: fixture.console) == .failed)
    let expected = (["run --home \(fixture.home.path)"] + (flags.isEmpty ? [] : [flags])).joined(separator: " ")
    #expect(fixture.errors.text.contains("[\(expected)]"), "\(fixture.errors.text)")
  }
}
