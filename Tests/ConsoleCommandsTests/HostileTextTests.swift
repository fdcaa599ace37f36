// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import LineJSON
import TestSupport
import Testing

/// Text from other peers and daemons must not control the terminal, in any command.
@Suite struct HostileTextTests {
  /// An escape sequence, a carriage return, a C1 control, a bidirectional override and a line separator.
  private static let hostile = #"\u001b[2J\r\u009b1m\u202e\u2028x"#

  private static let row =
    #""key":"file/x","content":"\#(Sample.root)","size":5,"modified":"1981-09-01T00:00:00Z""#

  /// A command, its exit status, and the lines of the daemon; `ID` stands for the id of the request.
  private static let cases: [([String], ExitStatus, [String])] = [
    (
      ["list", "--mine"], .done,
      [
        #"{"event":"document",\#(row),"title":"","total":1,"holders":[],"path":"/\#(hostile)","state":"shared"}"#,
        #"{"id":ID,"status":200,"documents":1}"#,
      ]
    ),
    (
      ["add", "x"], .noInput,
      [
        #"{"event":"added",\#(row),"title":"","path":"/\#(hostile)"}"#,
        #"{"event":"failed","path":"/\#(hostile)","message":"\#(hostile)"}"#,
        #"{"id":ID,"status":200,"added":1,"failed":1,"announced":false}"#,
      ]
    ),
    (["lookup", "1"], .notFound, [#"{"id":ID,"status":404,"error":"not-found","message":"\#(hostile)"}"#]),
    (
      ["add", "x"], .noInput,
      [
        #"{"id":ID,"status":422,"error":"no-input","message":"\#(hostile)","#
          + #""paths":[{"path":"/\#(hostile)","message":"\#(hostile)"}]}"#
      ]
    ),
    (
      ["get", "1"], .done,
      [
        #"{"event":"progress","received":1,"size":2,"peer":"\#(hostile)"}"#,
        #"{"id":ID,"status":200,"key":"rfc/1","content":"\#(Sample.root)","size":5,"path":"/\#(hostile)","#
          + #""received":5,"sources":[],"seconds":0.5}"#,
      ]
    ),
    (
      ["status"], .done,
      [Sample.status.replacing(#""id":2"#, with: #""id":ID"#).replacing("/run/alice.sock", with: "/\(hostile)")]
    ),
    (["list"], .unavailable, [#"{"event":"document","key":"\#(hostile)"}"#]),
  ]

  @Test(arguments: cases.indices)
  func `control characters are escaped`(index: Int) throws {
    let (arguments, status, lines) = Self.cases[index]
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isOutput: true, isErrors: true, columns: 300)
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains("hello") { return [.line(ScriptedDaemon.greeting)] }
      let id = ((try? Jansson.decode(line.utf8))?["id"]?.integer) ?? -1
      return lines.map { .line($0.replacing("ID", with: "\(id)")) }
    }
    #expect(CommandRunner.run(arguments, on: fixture.console) == status, "\(fixture.errors.text)")
    // The progress line has escapes of its own.
    let shown = (fixture.output.text + fixture.errors.text).replacing("\r\u{1B}[K", with: "")
    let forbidden: Set<Unicode.Scalar> = ["\u{1B}", "\r", "\u{9B}", "\u{202E}", "\u{2028}"]
    #expect(!shown.unicodeScalars.contains { forbidden.contains($0) }, "\(shown.debugDescription)")
    _ = daemon
  }
}

/// Paths at the limits of the system.
@Suite struct PathLimitTests {
  @Test(arguments: [(4_092, ExitStatus.done), (4_093, .noInput)])
  func `path may have 4095 bytes`(length: Int, status: ExitStatus) throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"), .line(#"{"id":2,"status":200,"added":1,"failed":0,"announced":true}"#))
    // With "/w/" before it.
    #expect(fixture.run("add", String(repeating: "x", count: length)) == status)
    #expect(daemon.requests.count == (status == .done ? 1 : 0))
  }

  @Test func `all impossible paths are named at once`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("add", "", String(repeating: "x", count: 4_093), "ok") == .noInput)
    let lines = fixture.errors.text.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[0] == "p2pctl: nothing was added")
    #expect(lines[1] == "  empty path")
    #expect(lines[2].hasPrefix("  path too long (4096 bytes, at most 4095): /w/xxx"))
  }
}
