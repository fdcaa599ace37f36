// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Glibc
import TestSupport
import Testing

/// Candidates for the word being typed, from the words before it, from daemons and from logs.
@Suite struct CompletionTests {
  /// The kind of completion and the candidates that a shell receives.
  private func complete(_ fixture: CommandFixture, _ words: String...) throws -> (kind: String, words: [String]) {
    let before = fixture.output.text.count
    #expect(CommandRunner.run(["complete", "words"] + words, on: fixture.console) == .done)
    #expect(fixture.errors.text.isEmpty)
    let lines = String(fixture.output.text.dropFirst(before)).split(separator: "\n").map(String.init)
    return (lines.first ?? "", lines.dropFirst().map { String($0.prefix { $0 != "\t" }) })
  }

  // MARK: Commands and options

  @Test(arguments: [[""], ["--json", ""], ["--peer", "bob", ""], ["--socket=/x", ""], ["help", ""]])
  func `first word is a command`(words: [String]) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(["complete", "words"] + words, on: fixture.console) == .done)
    let found = fixture.output.text.split(separator: "\n").map { $0.prefix { $0 != "\t" } }
    for verb in ["add", "get", "logs", "doctor", "supervisor"] { #expect(found.contains(verb[...])) }
    #expect(!found.contains("complete") && !found.contains("generate-manual"))
  }

  @Test func `typed text narrows the candidates`() throws {
    let fixture = try CommandFixture()
    #expect(try complete(fixture, "re").words == ["remove", "resume", "repl"])
    #expect(try complete(fixture, "supervisor", "st").words == ["status", "start", "stop"])
    #expect(try complete(fixture, "help", "supervisor", "re").words == ["restart", "reload"])
    #expect(try complete(fixture, "get", "--f").words == ["--from", "--force"])
    #expect(try complete(fixture, "get", "--force", "--f").words == ["--from"])
    #expect(try complete(fixture, "--pe").words == ["--peer"])
    #expect(try complete(fixture, "get", "-").words.contains("-o"))
    #expect(try complete(fixture, "get", "-").words.contains("--version"))
  }

  @Test func `candidates carry their help`() throws {
    let fixture = try CommandFixture()
    fixture.run("complete", "words", "ge")
    #expect(fixture.output.text == "words\nget\tFetch a document.\n")
  }

  @Test(arguments: [
    (["add", ""], "files"), (["add", "a", "b", ""], "files"), (["add", "--", "-"], "files"),
    (["get", "rfc/1", "-o", ""], "files"), (["get", "rfc/1", "--output=", ""], "words"),
    (["get", "rfc/1", "--output=x"], "files"), (["--socket", ""], "files"),
    (["supervisor", "start", "--home", ""], "directories"), (["supervisor", "start", "--config", "x"], "files"),
    (["status", ""], "words"), (["bogus", ""], "words"), (["bogus", "x", ""], "words"),
    (["add", "--title", ""], "words"),
    (["supervisor", "bogus", ""], "words"), (["get", "rfc/1", "x", ""], "words"),
  ])
  func `file arguments are left to the shell`(words: [String], kind: String) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(["complete", "words"] + words, on: fixture.console) == .done)
    #expect(fixture.output.text == kind + "\n")
  }

  // MARK: Candidates from daemons

  private static let listed =
    #"{"event":"document","key":"file/two words","# + Sample.content(title: "T") + "}"
  private static let rfc = #"{"event":"document","key":"rfc/793","# + Sample.content() + "}"

  @Test func `keys come from the daemon`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"), .line(Self.listed), .line(Self.rfc), .line(#"{"id":2,"status":200,"documents":2}"#))
    #expect(try complete(fixture, "get", "").words == ["file/two words", "rfc/793"])
    #expect(try complete(fixture, "lookup", "file/t").words == ["file/two words"])
    #expect(try complete(fixture, "remove", "rf").words == ["rfc/793"])
    #expect(try complete(fixture, "get", "7").words == ["793"])
    #expect(try complete(fixture, "get", "No/").words == [])
    #expect(try complete(fixture, "lookup", "rfc/1", "").words == [])
    #expect(try complete(fixture, "get", "rfc/1", "rf").words == ["rfc/793"])
    #expect(daemon.requests.map { $0.contains(#""mine":true"#) } == [false, false, true, false, false])
    #expect(daemon.requests[1].contains(#""prefix":"file/t","level":true"#))
  }

  @Test func `candidates stop at the next slash`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"), .line(#"{"event":"level","prefix":"data/cats/","documents":5000}"#),
      .line(#"{"id":2,"status":200,"documents":5000}"#))
    #expect(try complete(fixture, "get", "da").words == ["data/cats/"])
    _ = daemon
  }

  @Test func `words of list complete to keys`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"), .line(Self.listed), .line(#"{"id":2,"status":200,"documents":1}"#))
    #expect(try complete(fixture, "list", "file/t").words == ["file/two words"])
    #expect(daemon.requests[0].contains(#""prefix":"file/t","level":true"#))
  }

  @Test func `bash receives quoted words`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"), .line(Self.listed), .line(#"{"id":2,"status":200,"documents":1}"#))
    #expect(fixture.run("complete", "bash", " =", "p2pctl get file/tw") == .done)
    #expect(fixture.run("complete", "bash", " =", #"p2pctl get "file/two w"#) == .done)
    #expect(fixture.output.text == #"words\#nfile/two\ words\#nwords\#nfile/two words\#n"#)
    _ = daemon
  }

  @Test func `peers come from the network or from this machine`() throws {
    let fixture = try CommandFixture()
    let event = #"{"event":"peer","peer":"\#(Sample.otherID)","name":"carol","host":"::1","port":5,"documents":4}"#
    let daemon = try ScriptedDaemon(
      at: fixture.socket("bob"), .line(event), .line(event), .line(#"{"id":2,"status":200,"peers":2}"#))
    #expect(try complete(fixture, "get", "x", "--from", "").words == ["carol"])
    #expect(try complete(fixture, "get", "x", "--from=c").words == ["--from=carol"])
    #expect(try complete(fixture, "status", "--peer", "").words == ["bob"])
    _ = daemon
  }

  @Test func `processes come from the supervisor`() throws {
    let fixture = try CommandFixture()
    let supervisor = try ScriptedDaemon(
      at: fixture.socket("supervisor"), greeting: ScriptedDaemon.supervisorGreeting,
      .line(
        #"{"event":"process","name":"index","role":"index","pid":5,"state":"ready","responsive":true,"restarts":0,"#
          + #""address":"","since":"2026-01-02T03:04:05Z"}"#),
      .line(
        #"{"event":"process","name":"supervisor","role":"supervisor","pid":6,"state":"ready","responsive":true,"#
          + #""restarts":0,"address":"","since":"2026-01-02T03:04:05Z"}"#),
      .line(#"{"id":2,"status":200,"processes":2}"#))
    #expect(try complete(fixture, "supervisor", "stop", "").words == ["index"])
    #expect(try complete(fixture, "supervisor", "stop", "--home", fixture.home.path, "").words == ["index"])
    mkdir(fixture.home.file("log"), 0o700)
    try fixture.home.write("log/alice.log", [])
    #expect(try complete(fixture, "logs", "-f", "").words == ["alice"])
    _ = supervisor
  }

  @Test func `missing daemon gives no candidates and no message`() throws {
    let fixture = try CommandFixture()
    fixture.helloTimeout = .milliseconds(50)
    #expect(try complete(fixture, "get", "").words == [])
    #expect(try complete(fixture, "supervisor", "stop", "").words == [])
    #expect(try complete(fixture, "logs", "").words == [])
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { _ in [.silence] }
    #expect(try complete(fixture, "get", "").words == [])
    _ = daemon
  }

  @Test(arguments: [[], ["cobol"], ["bash"], ["bash", "x"], ["words"]])
  func `malformed completion requests are usage errors`(arguments: [String]) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(["complete"] + arguments, on: fixture.console) == .usage)
    #expect(fixture.output.text.isEmpty)
  }
}
