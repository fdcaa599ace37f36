// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import TestSupport
import Testing

/// `limit` against a scripted daemon.
@Suite struct LimitCommandTests {
  private func daemon(_ fixture: CommandFixture, _ steps: ScriptedDaemon.Step...) throws -> ScriptedDaemon {
    try ScriptedDaemon(at: fixture.socket("alice")) { line in
      line.contains(#""op":"hello""#) ? [.line(ScriptedDaemon.greeting)] : steps
    }
  }

  @Test(arguments: [
    ("10M", 10_000_000), ("500k", 500_000), ("1.5G", 1_500_000_000), ("1t", 1_000_000_000_000), ("7", 7), ("off", 0),
    ("0.5K", 500),
  ])
  func `rate is in powers of ten`(text: String, bytes: Int) throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200}"#))
    #expect(fixture.run("limit", "--down", text) == .done)
    #expect(daemon.requests == [#"{"id":2,"op":"limit","down":\#(bytes)}"#])
    #expect(fixture.output.text == "down       off\nup         off\n")
  }

  @Test(arguments: ["", "x", "M", "-5", "0", "1e9", "10MB", "1.2.3", "0.5", "99999999T", "nan", "inf", "٣"])
  func `other rates are refused`(text: String) throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("limit", "--down=\(text)") == .usage)
  }

  @Test(arguments: [(10_000_000, "10M"), (1_500_000, "1500k"), (999, "999"), (2_000_000_000_000, "2T")])
  func `limit is shown as it can be typed`(bytes: Int, text: String) throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"down":\#(bytes)}"#))
    #expect(fixture.run("limit") == .done)
    #expect(fixture.output.text == "down       \(text)\nup         off\n")
    #expect(fixture.run("limit", "--json") == .done)
    #expect(fixture.output.text.hasSuffix(#"{"down":\#(bytes)}"# + "\n"))
    #expect(daemon.requests.first == #"{"id":2,"op":"limit"}"#)
  }

  @Test(arguments: [
    (["--up", "1M", "--slots", "8"], #""up":1000000,"slots":8"#), (["--downloads", "2"], #""downloads":2"#),
    (["--down", "10M", "--between", "8:00-18:00"], #""down":10000000,"between":"08:00-18:00""#),
    (["--between", "off"], #""between":"off""#),
  ])
  func `limits are passed on`(_ arguments: [String], _ members: String) throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"up":1000000,"downloads":4,"slots":8}"#))
    #expect(CommandRunner.run(["limit"] + arguments, on: fixture.console) == .done)
    #expect(daemon.requests == [#"{"id":2,"op":"limit",\#(members)}"#])
    #expect(fixture.output.text == "down       off\nup         1M\ndownloads  4\nslots      8\n")
  }

  @Test(arguments: [
    ["--between", "08:00-18:00"], ["--down", "1M", "--between", "08:00"], ["--slots", "0"], ["--downloads", "1001"],
    ["--slots", "x"], ["--up", "fast"],
  ])
  func `what makes no limit is refused`(_ arguments: [String]) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(["limit"] + arguments, on: fixture.console) == .usage)
  }

  @Test(arguments: [
    (true, #""down":10000000,"#, "10M until 18:00, then 50M"),
    (false, #""down":50000000,"#, "50M until 08:00, then 10M until 18:00"),
  ])
  func `schedule is shown`(_ isActive: Bool, _ down: String, _ text: String) throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture,
      .line(
        #"{"id":2,"status":200,\#(down)"schedule":[{"direction":"down","rate":10000000,"between":"08:00-18:00","#
          + #""active":\#(isActive),"otherwise":50000000}]}"#))
    #expect(fixture.run("limit") == .done)
    #expect(fixture.output.text == "down       \(text)\nup         off\n")
    _ = daemon
  }
}
