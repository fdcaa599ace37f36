// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import Glibc
import TestSupport
import Testing

/// Completion in the interactive shell: what replaces the end of the line.
@Suite struct LineCompletionTests {
  private func complete(_ fixture: CommandFixture, _ line: String, replacing replaced: String) throws
    -> LineCompletions
  {
    LineCompletions(line, replacing: replaced, console: fixture.console, options: try #require(DaemonOptions.defaults))
  }

  @Test func `commands are completed, with and without the program's name`() throws {
    let fixture = try CommandFixture()
    for prefix in ["", "p2pctl "] {
      let found = try complete(fixture, prefix + "sta", replacing: "sta")
      #expect(found.texts == ["status"])
      #expect(found.isWord)
    }
    #expect(try complete(fixture, "ex", replacing: "ex").texts == ["exit"])
    #expect(try complete(fixture, "nonsense ", replacing: "").texts.isEmpty)
  }

  @Test func `several candidates share a prefix`() throws {
    let fixture = try CommandFixture()
    let found = try complete(fixture, "supervisor st", replacing: "st")
    #expect(found.texts == ["status", "start", "stop"])
    #expect(found.common == "st")
    #expect(!found.isWord)
    #expect(try complete(fixture, "supervisor sta", replacing: "sta").common == "sta")
    #expect(try complete(fixture, "nonsense x", replacing: "x").common == "")
  }

  @Test func `files are completed with quotes and backslashes`() throws {
    let fixture = try CommandFixture()
    fixture.workingDirectory = fixture.home.path
    try fixture.home.write("two words.txt", [])
    try fixture.home.write(".hidden", [])
    mkdir(fixture.home.file("directory"), 0o700)
    #expect(try complete(fixture, "add tw", replacing: "tw").texts == [#"two\ words.txt"#])
    #expect(try complete(fixture, #"add "tw"#, replacing: "tw").texts == [#"two words.txt""#])
    #expect(try complete(fixture, "add 'tw", replacing: "tw").texts == ["two words.txt'"])
    #expect(try complete(fixture, "add .h", replacing: ".h").texts == [".hidden"])
    let directory = try complete(fixture, "add di", replacing: "di")
    #expect(directory.texts == ["directory/"])
    #expect(!directory.isWord)
    #expect(try !complete(fixture, "add ", replacing: "").texts.contains(".hidden"))
  }

  @Test func `only directories complete a home`() throws {
    let fixture = try CommandFixture()
    fixture.workingDirectory = "/nonexistent"
    try fixture.home.write("rune", [])
    let path = fixture.home.file("ru")
    #expect(try complete(fixture, "supervisor start --home \(path)", replacing: path).texts == ["\(path)n/"])
    #expect(try complete(fixture, "supervisor start --home=\(path)", replacing: path).texts == ["\(path)n/"])
    #expect(
      try complete(fixture, "supervisor start --config \(path)", replacing: path).texts == ["\(path)n/", "\(path)ne"])
  }

  @Test func `names that are not UTF-8 are skipped`() throws {
    let fixture = try CommandFixture()
    let path = fixture.home.file("x").utf8CString.dropLast() + [CChar(bitPattern: 0xFF), 0]
    let file = open(Array(path), O_CREAT | O_WRONLY, 0o600)
    #expect(file >= 0)
    close(file)
    try fixture.home.write("xy", [])
    let typed = fixture.home.file("x")
    #expect(try complete(fixture, "add \(typed)", replacing: typed).texts == [fixture.home.file("xy")])
  }

  @Test func `keys come from the selected daemon`() throws {
    let fixture = try CommandFixture()
    let document = #"{"event":"document","key":"file/two words","# + Sample.content() + "}"
    let daemon = try ScriptedDaemon(
      at: fixture.socket("bob"), .line(document), .line(#"{"id":2,"status":200,"documents":1}"#))
    let found = try complete(fixture, "get --peer bob file/t", replacing: "t")
    #expect(found.texts == [#"two\ words"#])
    #expect(found.isWord)
    #expect(daemon.requests.count == 1)
  }
}
