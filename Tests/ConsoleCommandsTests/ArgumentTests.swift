// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Foundation
import Testing
import WireProtocol

/// Command lines that are decided without a daemon.
@Suite struct ArgumentTests {
  private static let commands = [
    ["add"], ["lookup"], ["list"], ["get"], ["remove"], ["status"], ["peers"], ["transfers"], ["connect"], ["logs"],
    ["repl"], ["supervisor", "status"], ["supervisor", "start"], ["supervisor", "stop"], ["supervisor", "restart"],
    ["supervisor", "reload"],
  ]

  @Test(arguments: commands)
  func `every help text ends with exit statuses and an example`(words: [String]) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(words + ["--help"], on: fixture.console) == .done)
    let text = fixture.output.text
    for status in ExitStatus.allCases { #expect(text.contains("\(status.rawValue) ")) }
    let last = text.split(separator: "\n").last ?? ""
    #expect(last.hasPrefix("  p2pctl \(words.joined(separator: " "))"))
    #expect(text.contains("USAGE: p2pctl \(words.joined(separator: " "))"))
    #expect(fixture.errors.text.isEmpty)
  }

  @Test func `README and help agree on the content option`() throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(["get", "--help"], on: fixture.console) == .done)
    #expect(fixture.output.text.contains("--content <prefix[:size]>"))
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    #expect(readme.contains("`--content PREFIX[:SIZE]`"))
  }

  @Test(arguments: commands)
  func `help can be requested in three ways`(words: [String]) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(words + ["-h"], on: fixture.console) == .done)
    #expect(CommandRunner.run(["help"] + words, on: fixture.console) == .done)
    let halves = fixture.output.text.count
    #expect(halves % 2 == 0)
  }

  @Test(arguments: [
    ["--help"], ["-h"], ["help"], ["--version"], ["status", "--version"], ["supervisor", "--help"],
    ["help", "supervisor"],
    ["--json", "--version"], ["--generate-completion-script", "bash"],
  ])
  func `informational options succeed`(arguments: [String]) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(arguments, on: fixture.console) == .done)
    #expect(!fixture.output.text.isEmpty)
  }

  @Test(arguments: [
    [], ["--json"], ["dance"], ["--dance"], ["add"], ["add", "a", "b", "--title", "x"],
    ["add", "a", "b", "--key", "file/x"],
    ["add", "-r", "a", "--title", "x"], ["add", "a", "--key", "nonsense"], ["add", "a", "--key", "Bad/"], ["lookup"],
    ["lookup", "a", "b"], ["lookup", "nokey"], ["lookup", "rfc/x"], ["lookup", "../x"], ["get"],
    ["get", "rfc/1", "--content", "xyz"], ["get", "rfc/1", "--content", "ab:"], ["get", "rfc/1", "--content", "ab:x"],
    ["get", "rfc/1", "--content", ""], ["get", "rfc/1", "--from", ""], ["remove", "-"], ["list", "--limit", "0"],
    ["list", "--limit", "x"], ["list", "--collection", "RFC"], ["peers", "--limit", "-1"], ["connect"],
    ["connect", "a:1", "--default"], ["connect", "h:99999"], ["connect", ":7734"], ["status", "extra"],
    ["status", "--peer", "index"], ["status", "--peer", "a/b"], ["status", "--peer", "a", "--socket", "/x"], ["--peer"],
    ["supervisor"], ["supervisor", "dance"], ["supervisor", "start", "--peer", "index"],
    ["supervisor", "start", "alice", "--index", "h:1"], ["supervisor", "start", "--index", "h:x"],
    ["--generate-completion-script", "cobol"],
  ])
  func `invalid arguments are usage errors`(arguments: [String]) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(arguments, on: fixture.console) == .usage)
    #expect(fixture.output.text.isEmpty)
    #expect(!fixture.errors.text.isEmpty)
  }

  @Test func `misspelled name gets a suggestion`() throws {
    let fixture = try CommandFixture()
    fixture.run("loookup", "rfc/1")
    #expect(fixture.errors.text.contains("Did you mean: p2pctl lookup"))
  }

  @Test(arguments: [
    ("ls", "list"), ("RM", "remove"), ("download", "get"), ("start", "supervisor start"), ("log", "logs"),
  ])
  func `verbs of other programs get a suggestion`(typed: String, meant: String) throws {
    let fixture = try CommandFixture()
    #expect(fixture.run(typed, "x") == .usage)
    #expect(fixture.errors.text.contains("Did you mean: p2pctl \(meant)\n"))
  }

  @Test func `bare file name gets a suggested key`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("get", "--force", "my paper.pdf") == .usage)
    #expect(fixture.errors.text.contains(#"Did you mean: p2pctl get file/my\ paper.pdf"# + "\n"))
    #expect(fixture.run("get", "rfc/abc") == .usage)
    #expect(fixture.run("status", "x") == .usage)
    #expect(!fixture.errors.text.contains("Did you mean: p2pctl get rfc"))
    #expect(!fixture.errors.text.contains("Did you mean: p2pctl status"))
  }

  @Test func `typed control characters are escaped`() throws {
    let fixture = try CommandFixture()
    fixture.run("\u{1B}[2J")
    fixture.run("--\u{1B}[2J")
    fixture.run("get", "\u{1B}[2J")
    #expect(!fixture.errors.text.contains("\u{1B}"))
  }

  @Test func `argument that is not UTF-8 is rejected`() throws {
    #expect(try ArgumentVector.text([Array("get".utf8), Array("日本".utf8), []]) == ["get", "日本", ""])
    let latin: [UInt8] = Array("pap".utf8) + [0xE9, 0x0A] + Array("r.pdf".utf8)
    let failure = #expect(throws: CommandFailure.self) { try ArgumentVector.text([Array("add".utf8), latin]) }
    #expect(failure?.status == .noInput)
    #expect(failure?.message == #"not valid UTF-8: pap\xe9\x0ar.pdf"#)
    #expect(throws: CommandFailure.self) { try ArgumentVector.text([[UInt8](repeating: 0xFF, count: 1_000)]) }
  }

  @Test(arguments: ErrorCode.allCases)
  func `every error code has its exit status`(code: ErrorCode) {
    let expected: [ErrorCode: Int32] = [
      .notFound: 3, .invalidKey: 64, .usage: 64, .noInput: 66, .unsupportedProtocol: 69, .tooMany: 69, .unavailable: 69,
      .noSource: 69, .cannotCreate: 73, .verificationFailed: 76, .forbidden: 77, .cancelled: 130,
    ]
    #expect(ExitStatus(code).rawValue == expected[code] ?? 1)
  }
}
