// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import Glibc
import TestSupport
import Testing

/// The manual pages.
@Suite struct ManualTests {
  private func pages() throws -> (fixture: CommandFixture, names: [String]) {
    let fixture = try CommandFixture()
    #expect(fixture.run("generate-manual", fixture.home.path) == .done)
    return (fixture, fixture.output.text.split(separator: "\n").map(String.init))
  }

  private func text(_ name: String, _ fixture: CommandFixture) -> String {
    String(decoding: TemporaryDirectory.read(fixture.home.file(name)) ?? [], as: UTF8.self)
  }

  @Test func `every command has a page`() throws {
    let (fixture, names) = try pages()
    #expect(names.first == "p2pctl.1")
    for verb in ["add", "get", "logs", "doctor", "supervisor"] {
      let page = text("p2pctl-\(verb).1", fixture)
      #expect(names.contains("p2pctl-\(verb).1"))
      for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"] {
        #expect(page.contains(".SH \"\(section)\"\n"), "\(verb): \(section)")
      }
    }
    #expect(text("p2pctl-get.1", fixture).contains(#"p2pctl\-get \- Fetch a document"#))
    #expect(text("p2pctl-supervisor.1", fixture).contains(#"\fB\-\-serve\-index\fR \fIhost:port\fR"#))
  }

  @Test(arguments: ["/usr/bin/groff -man -Tutf8 -ww -z", "/usr/bin/mandoc -T lint -W error"])
  func `formatters accept all pages`(command: String) async throws {
    let words = command.split(separator: " ").map(String.init)
    guard let formatter = Program(ofSystem: words.first ?? "") else { return }
    let (fixture, names) = try pages()
    let outcome = try await formatter.run(words.dropFirst() + names.map { fixture.home.file($0) })
    #expect(outcome.status == 0)
    #expect((outcome.output + outcome.errors).isEmpty, "\(outcome.output)\(outcome.errors)")
  }

  @Test func `page of another program is made from its description`() async throws {
    let fixture = try CommandFixture()
    let dump = try await Program("p2p-supervisor").run("--experimental-dump-help").output
    let input = open(try fixture.home.write("dump", Array(dump.utf8)), O_RDONLY)
    defer { close(input) }
    fixture.input = input
    #expect(fixture.run("generate-manual", fixture.home.path, "-") == .done)
    #expect(fixture.output.text == "p2p-supervisor.1\n")
    #expect(text("p2p-supervisor.1", fixture).contains(#"\fB\-\-serve\-index\fR"#))
  }

  @Test(arguments: ["", "nonsense\n", #"{"command":{"commandName":"../../x"}}"# + "\n", "{}\n"])
  func `input that describes no program is rejected`(text: String) throws {
    let fixture = try CommandFixture()
    let input = open(try fixture.home.write("dump", Array(text.utf8)), O_RDONLY)
    defer { close(input) }
    fixture.input = input
    #expect(fixture.run("generate-manual", fixture.home.path, "-") == .usage)
  }

  @Test func `missing directory is reported`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("generate-manual", "/nonexistent") == .cannotCreate)
    #expect(fixture.run("generate-manual") == .usage)
  }

  @Test func `page is made from the description of a command`() throws {
    let dump = #"""
      {"serializationVersion":0,"command":{"commandName":"tool","abstract":"Do it.","discussion":"First.\n\nSecond.",
      "subcommands":[{"commandName":"help","abstract":"Show help."}],
      "arguments":[
      {"kind":"positional","shouldDisplay":true,"isOptional":false,"isRepeating":true,"valueName":"file","abstract":"A file."},
      {"kind":"option","shouldDisplay":true,"isOptional":true,"isRepeating":false,"valueName":"path","abstract":"Where.",
      "names":[{"kind":"short","name":"o"},{"kind":"long","name":"output"}]},
      {"kind":"flag","shouldDisplay":false,"isOptional":true,"isRepeating":false,"names":[{"kind":"long","name":"secret"}]}]}}
      """#
    let description = try #require(CommandDescription(dump: dump))
    #expect(description.subcommands.isEmpty)
    #expect(description.option(named: "--output")?.names == ["-o", "--output"])
    #expect(description.option(named: "--secret") == nil)
    var page = ManualPage(name: "tool", abstract: description.abstract, version: "1")
    page.section("SYNOPSIS")
    page.synopsis(description, "tool")
    page.section("DESCRIPTION")
    page.text(description.discussion)
    page.section("OPTIONS")
    page.arguments(description.arguments)
    #expect(
      page.text.split(separator: "\n").dropFirst(2).joined(separator: "\n") == #"""
        .SH "NAME"
        tool \- Do it
        .SH "SYNOPSIS"
        .nh
        .ad l
        .HP
        \fBtool\fR
        [\,\fB\-o\fR \fIpath\fR\/]
        \fIfile\fR ...
        .ad
        .hy
        .SH "DESCRIPTION"
        First.
        .PP
        Second.
        .SH "OPTIONS"
        .TP
        \fIfile\fR
        A file.
        .TP
        \fB\-o\fR, \fB\-\-output\fR \fIpath\fR
        Where.
        """#)
  }

  @Test func `text is escaped for roff`() {
    var page = ManualPage(name: "x", abstract: "X.", version: "1")
    page.text(".so /etc/passwd\n\n'quoted' \\ \u{E9} \u{1F600}")
    #expect(page.text.contains(#"\&.so /etc/passwd"#))
    #expect(page.text.contains(#"\(aqquoted\(aq \e \[u00E9] \[u1F600]"#))
    #expect(page.text.utf8.allSatisfy { $0 < 0x80 })
  }
}
