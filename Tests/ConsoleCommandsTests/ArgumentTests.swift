// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Foundation
import LineJSON
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
    ["list", "--limit", "x"], ["list", "--collection", "RFC"], ["peers", "--limit", "-1"],
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

  @Test(arguments: [
    (["add", "-dash.txt"], "unknown option -d; for a file of that name: ./-dash.txt"),
    (["add", "-hello.txt"], "unknown option -e; for a file of that name: ./-hello.txt"),
    (["add", "-rx", "a"], "unknown option -x; for a file of that name: ./-rx"),
    (["add", "--titel", "x", "a"], "unknown option --titel"),
    (["lookup", "-r", "file/x/"], "unknown option -r"), (["get", "-rx", "rfc/1"], "unknown option -r"),
    (["list", "-l"], "unknown option -l"), (["lookup", "rfc/1", "rfc/2"], "lookup takes one key, but 2 were given"),
    (["status", "extra"], "status takes no argument such as extra"),
    (["supervisor", "-x"], "unknown option -x of supervisor"), (["help", "--bogus"], "unknown option --bogus of help"),
    ([""], "unknown command: ''"), (["supervisor", ""], "unknown command: supervisor ''"),
    (
      ["list", "--limit", "-1"],
      "The value '-1' is invalid for '--limit <number>': expected a whole number from 1 to 9007199254740991"
    ),
    (
      ["logs", "-n", "-5"],
      "The value '-5' is invalid for '--lines <number>': expected a whole number from 0 to 100000"
    ),
    (["logs", "-fnx"], "The value 'x' is invalid for '--lines <number>': expected a whole number from 0 to 100000"),
    (["get", "rfc/1", "-o", "-x"], "--output needs a value; one that begins with a dash is written --output=-…"),
    (["list", "--limit"], "--limit needs a value; one that begins with a dash is written --limit=-…"),
    (
      ["add", "--key=", "x"],
      "--key: a key is collection/name, such as rfc/793 or file/paper.pdf"
    ),
    (["get", "--from=", "rfc/1"], "--from takes a name or the start of an id"),
    (
      ["lookup", "a\nb"],
      #"The value 'a\u{A}b' is invalid for '<key>': a key is collection/name, "#
        + "such as rfc/793 or file/paper.pdf"
    ),
    (
      ["--peer", "x", "supervisor", "status"],
      "supervisor status has no --peer: it asks the supervisor, which P2P_HOME or --home selects"
    ),
    (["connect", "http://x"], "http://x: this is a URL; give HOST:PORT"),
    (["connect", "x/y:7734"], "x/y:7734: an address is HOST:PORT, without a path or a user"),
    (
      ["lookup", "data/cats/"],
      "The value 'data/cats/' is invalid for '<key>': it is the prefix of keys, not a key; "
        + "list them with: p2pctl list data/cats/"
    ),
    (
      ["lookup", "file/zz/sub dir/"],
      "The value 'file/zz/sub dir/' is invalid for '<key>': it is the prefix of keys, not a key; "
        + #"list them with: p2pctl list file/zz/sub\ dir/"#
    ),
    (
      ["list", "--limit", "99999999999999999999"],
      "The value '99999999999999999999' is invalid for '--limit <number>': "
        + "expected a whole number from 1 to 9007199254740991"
    ),
    (
      ["logs", "-n", "100001"],
      "The value '100001' is invalid for '--lines <number>': expected a whole number from 0 to 100000"
    ),
    (["connect", "h:99999"], "h:99999: a port is a number from 0 to 65535"),
    (["connect", "h:0"], "h:0: an address to connect to has a host and a port from 1 to 65535"),
    (
      ["supervisor", "start", "--serve-index", "::1:7800"],
      "::1:7800: put an IPv6 address in brackets: [::1]:7734"
    ),
  ])
  func `refused arguments are explained in one line`(arguments: [String], message: String) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(arguments, on: fixture.console) == .usage)
    #expect(fixture.errors.text.split(separator: "\n").first == "p2pctl: \(message)")
    let hasBreak = arguments.contains { $0.contains("\n") }
    #expect(fixture.errors.text.contains(#"\u{A}"#) == hasBreak && fixture.output.text.isEmpty)
  }

  @Test(arguments: [["add", "-rh"], ["get", "-h", "--nonsense"], ["logs", "-fh"]])
  func `cluster with h asks for help`(arguments: [String]) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(arguments, on: fixture.console) == .done)
    #expect(fixture.output.text.contains("EXIT STATUS:"))
  }

  @Test func `values may be joined to short options, negative or empty`() throws {
    let command = CommandDescription(
      name: "get", abstract: "",
      arguments: [
        .init(kind: .option, names: ["-o", "--output"]), .init(kind: .option, names: ["--limit"]),
        .init(kind: .flag, names: ["-f", "--follow"]),
      ])
    for (typed, normalized) in [
      (["-ox1", "a"], ["--output=x1", "a"]), (["-fox1"], ["-f", "--output=x1"]), (["-o=x"], ["--output=x"]),
      (["--limit", "-1"], ["--limit=-1"]), (["-o", "-", "a"], ["--output=-", "a"]),
      (["--limit=", "a"], ["--limit", "", "a"]), (["--limit", "--follow"], ["--limit", "--follow"]),
      (["-f", "--", "-ox"], ["-f", "--", "-ox"]), (["-fo"], ["-f", "--output"]),
    ] {
      let scan = ArgumentScan(typed, of: command)
      #expect(scan.normalized == normalized && scan.unknown == nil)
    }
  }

  @Test(arguments: [
    (["lookup", "rfc793"], "p2pctl lookup rfc/793"), (["get", "RFC0793.txt"], "p2pctl get rfc/793"),
    (["get", "--from", "bob", "-o", "there", "x.pdf"], "p2pctl get file/x.pdf"),
    (["get", "--form", "bob", "rfc/1"], "--from"), (["get", "rfc", "793"], "p2pctl get rfc/793"),
    (["lookup", "RFC/793"], "p2pctl lookup rfc/793"), (["lookup", "./rfc793.txt"], "p2pctl lookup rfc/793"),
    (["get", "-o", "-", "my", "paper.pdf"], #"p2pctl get file/my\ paper.pdf"#),
    (["supervisor", "restart", "--peer", "alice"], "p2pctl supervisor restart alice"),
    (["--peer=alice", "supervisor", "stop"], "p2pctl supervisor stop alice"),
  ])
  func `suggestion replaces the right word`(arguments: [String], suggestion: String) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(arguments, on: fixture.console) == .usage)
    #expect(fixture.errors.text.contains("\n  Did you mean: \(suggestion)\n"))
  }

  @Test(arguments: [
    ["lookup", "--json", "nokey"], ["--json", "list", "--limit", "0"], ["status", "--json"], ["--json", "dance"],
    ["get", "rfc/1", "--json", "--peer", "nobody"], ["supervisor", "status", "--json"], ["add", "--json", ""],
  ])
  func `error under JSON is one object`(arguments: [String]) throws {
    let fixture = try CommandFixture()
    let status = CommandRunner.run(arguments, on: fixture.console)
    let line = try #require(fixture.errors.text.split(separator: "\n").first)
    #expect(fixture.errors.text == line + "\n" && fixture.output.text.isEmpty)
    let object = try Jansson.decode(line.utf8)
    #expect(object["exit"]?.integer == Int64(status.rawValue))
    let code = try #require(object["error"]?.string.flatMap { ErrorCode(rawValue: $0) })
    #expect(ExitStatus(code) == status)
    #expect(object["status"]?.integer == Int64(code.status))
    #expect(object["message"]?.string?.isEmpty == false && object["id"] == nil)
  }

  @Test(arguments: ExitStatus.allCases.filter { $0 != .done })
  func `failures of p2pctl have codes of the wire`(status: ExitStatus) {
    #expect(ExitStatus(status.code) == status)
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
    #expect(failure?.message == #"not valid UTF-8: pap\xe9\u{A}r.pdf"#)
    let key = #expect(throws: CommandFailure.self) {
      try ArgumentVector.text([Array("lookup".utf8), [UInt8](repeating: 0xFF, count: 1_000)])
    }
    #expect(key?.status == .usage && key?.details.contains { $0.contains("Rename") } == false)
    let mixed = #expect(throws: CommandFailure.self) { try ArgumentVector.text([Array("日".utf8) + [0xE9]]) }
    #expect(mixed?.message == #"not valid UTF-8: 日\xe9"#)
  }

  @Test func `working directory that is not UTF-8 is refused by name`() throws {
    let fixture = try CommandFixture()
    fixture.workingDirectory = nil
    fixture.unreadableDirectory = #"/home/jos\xe9"#
    for (arguments, status) in [(["add", "x"], ExitStatus.noInput), (["get", "rfc/1"], .cannotCreate)] {
      #expect(CommandRunner.run(arguments, on: fixture.console) == status)
      #expect(fixture.errors.text.contains(#"the name of the current directory is not UTF-8: /home/jos\xe9"# + "\n"))
    }
  }

  @Test func `home that is not UTF-8 is refused by name`() throws {
    let fixture = try CommandFixture()
    fixture.unreadableVariable = ("HOME", #"/home/jos\xe9"#)
    #expect(fixture.run("status") == .usage)
    #expect(fixture.errors.text.hasPrefix(#"p2pctl: HOME is not UTF-8: /home/jos\xe9"# + "\n"))
    #expect(fixture.run("--help") == .done)
  }

  @Test(arguments: ErrorCode.allCases)
  func `every error code has its exit status`(code: ErrorCode) {
    let expected: [ErrorCode: Int32] = [
      .notFound: 3, .invalidKey: 64, .usage: 64, .noInput: 66, .unsupportedProtocol: 69, .tooMany: 69, .unavailable: 69,
      .noSource: 69, .cannotCreate: 73, .verificationFailed: 76, .forbidden: 77, .tlsRequired: 77, .cancelled: 130,
    ]
    #expect(ExitStatus(code).rawValue == expected[code] ?? 1)
  }
}
