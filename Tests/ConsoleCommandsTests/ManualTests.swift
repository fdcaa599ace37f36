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

  @Test func `text is escaped for roff`() {
    var page = ManualPage(name: "x", abstract: "X.", version: "1")
    page.text(".so /etc/passwd\n\n'quoted' \\ \u{E9} \u{1F600}")
    #expect(page.text.contains(#"\&.so /etc/passwd"#))
    #expect(page.text.contains(#"\(aqquoted\(aq \e \[u00E9] \[u1F600]"#))
    #expect(page.text.utf8.allSatisfy { $0 < 0x80 })
  }
}
