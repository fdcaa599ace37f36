// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import DocumentModel
import Glibc
import LineJSON
import Synchronization
import TestSupport
import Testing

/// `add` and `get` against a scripted daemon.
@Suite struct TransferCommandTests {
  private func daemon(_ fixture: CommandFixture, _ steps: ScriptedDaemon.Step...) throws -> ScriptedDaemon {
    try ScriptedDaemon(at: fixture.socket("alice")) { line in
      line.contains(#""op":"hello""#) ? [.line(ScriptedDaemon.greeting)] : steps
    }
  }

  // MARK: add

  @Test func `add sends absolute paths`() throws {
    let fixture = try CommandFixture()
    let document =
      #""key":"rfc/793","title":"TCP","content":"\#(Sample.root)","size":5,"modified":"1981-09-01T00:00:00Z""#
    let daemon = try daemon(
      fixture, .line(#"{"event":"added",\#(document),"path":"/w/rfc793.txt"}"#),
      .line(#"{"id":2,"status":200,"added":1,"failed":0,"announced":true}"#))
    #expect(fixture.run("add", "rfc793.txt", "/abs/x", "--key", "data/cats/") == .done)
    #expect(
      daemon.requests
        == [#"{"id":2,"op":"add","paths":["/w/rfc793.txt","/abs/x"],"recursive":false,"key":"data/cats/"}"#])
    #expect(fixture.output.text == "rfc/793  5 B  TCP\n")
  }

  @Test func `add without index succeeds with a note`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"added":1,"failed":0,"announced":false}"#))
    #expect(fixture.run("add", "x", "--json") == .done)
    #expect(try fixture.rows().last?["announced"]?.bool == false)
    #expect(fixture.errors.text.contains("announced when it is back"))
    _ = daemon
  }

  @Test func `add that an index refuses for now says why`() throws {
    let fixture = try CommandFixture()
    let error = "the index did not acknowledge an addition: full (limit records = 1)"
    let daemon = try daemon(
      fixture, .line(#"{"id":2,"status":200,"added":1,"failed":0,"announced":false,"error":"\#(error)"}"#))
    #expect(fixture.run("add", "x") == .done)
    #expect(fixture.errors.text == "\(error). The files are recorded and will be announced again.\n")
    _ = daemon
  }

  @Test func `add names the file that failed`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture, .line(#"{"event":"failed","path":"/w/\u001bx","message":"Permission denied"}"#),
      .line(#"{"id":2,"status":200,"added":1,"failed":1,"announced":true}"#))
    #expect(fixture.run("add", "x", "y") == .noInput)
    #expect(fixture.errors.text.contains(#"/w/\u{1B}x: Permission denied"#))
    _ = daemon
  }

  @Test func `add names every bad path`() throws {
    let fixture = try CommandFixture()
    let paths =
      #","paths":[{"path":"/w/a","message":"No such file or directory"},{"path":"/w/b","message":"Is a directory"}]"#
    let daemon = try daemon(fixture, .line(Sample.failure(422, "no-input", "nothing was added", paths)))
    #expect(fixture.run("add", "a", "b") == .noInput)
    #expect(fixture.errors.text.contains("/w/a: No such file or directory"))
    #expect(fixture.errors.text.contains("/w/b: Is a directory"))
    _ = daemon
  }

  @Test func `impossible path is rejected without asking the daemon`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("add", String(repeating: "x", count: 4_096)) == .noInput)
    #expect(fixture.errors.text.contains("too long"))
    #expect(fixture.run("add", "") == .noInput)
    #expect(fixture.run("add", "", "ok", String(repeating: "x", count: 5_000)) == .noInput)
    fixture.workingDirectory = nil
    #expect(fixture.run("add", "x") == .noInput)
    #expect(fixture.errors.text.contains("no longer exists"))
  }

  @Test func `hashing shows progress on a terminal`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture, .line(#"{"event":"hashing","path":"/w/big","done":5,"total":10,"file":2,"files":3}"#),
      .line(#"{"id":2,"status":200,"added":1,"failed":0,"announced":true}"#))
    fixture.terminal.isErrors = true
    #expect(fixture.run("add", "big") == .done)
    #expect(fixture.errors.text.contains("[2/3] big"))
    #expect(fixture.errors.text.hasSuffix("\r\u{1B}[K"))
    #expect(fixture.output.text.isEmpty)
    #expect(daemon.requests.first?.contains(#""progress":true"#) == true)
  }

  // MARK: get

  private static let got =
    #"{"id":2,"status":200,"key":"rfc/793","content":"\#(Sample.root)","size":177957,"path":"/w/rfc793.txt","#
    + #""received":177957,"sources":[{"peer":"bob","id":"\#(Sample.otherID)","bytes":177957}],"seconds":0.5}"#

  @Test func `get writes to the current directory`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Self.got))
    #expect(fixture.run("get", "793") == .done)
    #expect(
      daemon.requests
        == [#"{"id":2,"op":"get","key":"rfc/793","directory":"/w","force":false,"share":true}"#])
    #expect(fixture.output.text == "/w/rfc793.txt: 173.8 KiB from bob in 0.50 s\n")
  }

  @Test func `get JSON has all fields`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Self.got))
    #expect(
      fixture.run("get", "793", "-o", "out", "--from", "bob", "--content", "1c", "--force", "--no-share", "--json")
        == .done)
    #expect(
      daemon.requests
        == [
          #"{"id":2,"op":"get","key":"rfc/793","path":"/w/out","from":"bob","content":"1c","force":true,"share":false}"#
        ])
    let row = try #require(try fixture.rows().last)
    for name in ["key", "content", "size", "path", "received", "sources", "seconds"] { #expect(row[name] != nil) }
    #expect(row["sources"]?.array?.first?["bytes"]?.integer == 177_957)
  }

  @Test func `get lists several contents`() throws {
    let fixture = try CommandFixture()
    let choices =
      #","choices":[{\#(Sample.content())},{\#(Sample.content(root: Sample.otherRoot, title: "Other"))}]"#
    let daemon = try daemon(
      fixture, .line(Sample.failure(300, "several-contents", "two contents stand under rfc/793", choices)))
    #expect(fixture.run("get", "793") == .failed)
    #expect(fixture.errors.text.contains("1c1c1c1c1c1c"))
    #expect(fixture.errors.text.contains("2d2d2d2d2d2d"))
    #expect(fixture.errors.text.contains("--content PREFIX"))
    _ = daemon
  }

  @Test func `get lists ambiguous peers by id`() throws {
    let fixture = try CommandFixture()
    let peers =
      #","peers":[{"peer":"\#(Sample.id)","name":"bob"},{"peer":"\#(Sample.otherID)","name":"bob"}]"#
    let daemon = try daemon(fixture, .line(Sample.failure(300, "ambiguous-peer", "two peers are called bob", peers)))
    #expect(fixture.run("get", "793", "--from", "bob") == .failed)
    #expect(fixture.errors.text.contains(Sample.id))
    #expect(fixture.errors.text.contains(Sample.otherID))
    _ = daemon
  }

  @Test(arguments: [
    (409, "cannot-create", ExitStatus.cannotCreate), (502, "verification-failed", .verificationFailed),
    (504, "no-source", .unavailable), (503, "unavailable", .unavailable), (403, "forbidden", .notPermitted),
    (499, "cancelled", .interrupted), (500, "internal", .failed), (418, "teapot", .failed),
  ])
  func `refusal has its exit status`(status: Int, code: String, expected: ExitStatus) throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Sample.failure(status, code, "so it is", #","retry_after":3"#)))
    #expect(fixture.run("get", "793") == expected)
    #expect(fixture.errors.text.hasPrefix("p2pctl: so it is\n"))
    #expect(fixture.errors.text.contains("Try again in 3 s."))
    _ = daemon
  }

  @Test func `get rejects a path that is too long`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("get", "793", "-o", String(repeating: "x", count: 5_000)) == .cannotCreate)
    fixture.workingDirectory = nil
    #expect(fixture.run("get", "793") == .cannotCreate)
  }

  @Test func `added documents are JSON rows before the summary`() throws {
    let fixture = try CommandFixture()
    let document =
      #""key":"rfc/793","title":"TCP","content":"\#(Sample.root)","size":5,"modified":"1981-09-01T00:00:00Z""#
    let daemon = try daemon(
      fixture, .line(#"{"event":"added",\#(document),"path":"/w/rfc793.txt"}"#),
      .line(#"{"id":2,"status":200,"added":1,"failed":0,"announced":true}"#))
    #expect(fixture.run("add", "rfc793.txt", "--json") == .done)
    let rows = try fixture.rows()
    #expect(rows.map { $0["key"]?.string } == ["rfc/793", nil])
    #expect(rows.first?["path"]?.string == "/w/rfc793.txt")
    #expect(rows.last?["added"]?.integer == 1)
    #expect(fixture.errors.text.isEmpty)
    _ = daemon
  }

  @Test func `key and title are normalised`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"added":1,"failed":0,"announced":true}"#))
    #expect(fixture.run("add", "x", "--key", "file/e\u{301}", "--title", "  u\u{308}ber ") == .done)
    #expect(daemon.requests.first?.contains("\"key\":\"file/\u{E9}\"") == true, "\(daemon.requests)")
    #expect(daemon.requests.first?.contains("\u{FC}ber") == true)
    #expect(fixture.run("add", "x", "y", "--key", "data/e\u{301}/") == .done)
    #expect(daemon.requests.last?.contains("\"key\":\"data/\u{E9}/\"") == true)
  }

  @Test func `progress line is cleared before each row`() throws {
    let fixture = try CommandFixture()
    let document = #""key":"file/a","title":"","content":"\#(Sample.root)","size":5,"modified":"1981-09-01T00:00:00Z""#
    let daemon = try daemon(
      fixture, .line(#"{"event":"hashing","path":"/w/a","done":5,"total":10,"file":1,"files":1}"#),
      .line(#"{"event":"added",\#(document),"path":"/w/a"}"#),
      .line(#"{"event":"failed","path":"/w/b","message":"Permission denied"}"#),
      .line(#"{"id":2,"status":200,"added":1,"failed":1,"announced":true}"#))
    fixture.terminal.isErrors = true
    #expect(fixture.run("add", "a", "b") == .noInput)
    #expect(fixture.output.text == "file/a  5 B\n")
    let parts = fixture.errors.text.components("\r\u{1B}[K")
    #expect(parts.count == 2)
    #expect(parts[0].hasPrefix("a  [") && parts[0].contains("50%  5 B of 10 B"))
    #expect(parts[1] == "p2pctl: /w/b: Permission denied\n1 file could not be shared, see above.\n")
    _ = daemon
  }

  @Test func `get shows its source on a terminal`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture,
      .line(#"{"event":"progress","received":512,"size":1024,"state":"active","rate":512,"sources":1,"peer":"bob"}"#),
      .line(Self.got))
    fixture.terminal.isErrors = true
    fixture.terminal.columns = 120
    #expect(fixture.run("get", "793") == .done)
    #expect(
      fixture.errors.text.contains("rfc/793  [####################--------------------]   50%  512 B/s  from bob"))
    #expect(fixture.errors.text.hasSuffix("\r\u{1B}[K"))
    #expect(daemon.requests.first?.contains(#""progress":true"#) == true)
  }

  @Test func `progress is printed as JSON on request`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture, .line(#"{"event":"job","job":7,"waiter":1,"path":"/w/rfc793.txt"}"#),
      .line(
        #"{"event":"progress","received":512,"size":1024,"state":"active","rate":512,"eta":1,"sources":2,"peer":"bob"}"#
      ),
      .line(Self.got))
    fixture.terminal.isErrors = true
    #expect(fixture.run("get", "793", "--json", "--progress") == .done)
    #expect(daemon.requests.first?.contains(#""progress":true"#) == true)
    #expect(
      fixture.output.text.split(separator: "\n").first
        == #"{"event":"progress","key":"rfc/793","job":7,"received":512,"size":1024,"state":"active","rate":512,"eta":1,"sources":2,"peer":"bob"}"#
    )
    #expect(try fixture.rows().last?["path"]?.string == "/w/rfc793.txt" && fixture.rows().count == 2)
    #expect(fixture.errors.text.isEmpty)
    #expect(fixture.run("get", "793", "--progress") == .usage)
    #expect(fixture.run("get", "793", "--json", "--progress", "--detach") == .usage)
  }

  @Test func `get without a terminal prints its last line only`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture, .line(#"{"event":"progress","received":512,"size":1024,"state":"active","rate":512,"sources":1}"#),
      .line(Self.got))
    #expect(fixture.run("get", "793") == .done)
    #expect(fixture.output.text == "/w/rfc793.txt: 173.8 KiB from bob in 0.50 s\n" && fixture.errors.text.isEmpty)
    #expect(daemon.requests.first?.contains("progress") == false)
  }

  @Test func `get without transfer says that the file is present`() throws {
    let fixture = try CommandFixture()
    let present = Self.got.replacing(#"[{"peer":"bob","id":"\#(Sample.otherID)","bytes":177957}]"#, with: "[]")
    let daemon = try daemon(fixture, .line(present))
    #expect(fixture.run("get", "793") == .done)
    #expect(fixture.output.text == "/w/rfc793.txt: 173.8 KiB, already present\n")
    _ = daemon
  }

  @Test func `failed get clears its progress and is reported`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture, .line(#"{"event":"progress","received":512,"size":1024,"peer":"bob"}"#),
      .line(Sample.failure(504, "no-source", "no source is left")))
    fixture.terminal.isErrors = true
    #expect(fixture.run("get", "793") == .unavailable)
    #expect(fixture.errors.text.contains("\r\u{1B}[Kp2pctl: no source is left\n"))
    #expect(fixture.output.text.isEmpty)
    _ = daemon
  }

  @Test(arguments: [("/", "/out"), ("/w", "/w/out")])
  func `output path is relative to the current directory`(directory: String, path: String) throws {
    let fixture = try CommandFixture()
    fixture.workingDirectory = directory
    let daemon = try daemon(fixture, .line(Self.got))
    #expect(fixture.run("get", "793", "-o", "out") == .done)
    #expect(daemon.requests.first?.contains(#""path":"\#(path)""#) == true)
  }
}

extension String {
  /// The parts between the occurrences of a separator.
  fileprivate func components(_ separator: String) -> [String] {
    var parts = [""]
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      parts[parts.count - 1] += rest[..<range.lowerBound]
      parts.append("")
      rest = rest[range.upperBound...]
    }
    parts[parts.count - 1] += rest
    return parts
  }

  // MARK: get -o

  private static let streamed = [
    ScriptedDaemon.Step.line(#"{"event":"bytes","length":3}"#), .bytes([0x61, 0x0A, 0x1B]),
    .line(#"{"event":"bytes","length":2}"#), .bytes([0xFF, 0x7B]),
    .line(
      #"{"id":2,"status":200,"key":"rfc/793","content":"\#(Sample.root)","size":5,"path":"-","received":5,"#
        + #""sources":[],"seconds":0.5}"#),
  ]

  private func streamingDaemon(_ fixture: CommandFixture) throws -> ScriptedDaemon {
    try ScriptedDaemon(at: fixture.socket("alice")) { line in
      line.contains(#""op":"hello""#) ? [.line(ScriptedDaemon.greeting)] : Self.streamed
    }
  }

  @Test(arguments: ["-", "/dev/stdout"]) func `bytes of a document go to standard output`(_ path: String) throws {
    let fixture = try CommandFixture()
    let daemon = try streamingDaemon(fixture)
    #expect(fixture.run("get", "rfc/793", "-o", path) == .done)
    #expect(
      daemon.requests == [#"{"id":2,"op":"get","key":"rfc/793","stream":true,"force":false,"share":false}"#])
    #expect(fixture.output.bytes == [0x61, 0x0A, 0x1B, 0xFF, 0x7B] && fixture.output.text.isEmpty)
    #expect(fixture.run("get", "rfc/793", "-o", "-", "--json") == .usage)
  }

  @Test func `document that is not text is refused by a terminal`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      line.contains(#""op":"hello""#) ? [.line(ScriptedDaemon.greeting)] : Array(Self.streamed.suffix(3))
    }
    fixture.terminal.isOutput = true
    #expect(fixture.run("get", "rfc/793", "-o", "-") == .cannotCreate)
    #expect(fixture.output.bytes.isEmpty && fixture.errors.text.contains("is not text"))
    _ = daemon
  }

  @Test func `document cannot drive a terminal`() {
    let sink = TerminalDocumentParts(["a\tb\r\n\u{1B}[2J\u{C}", "é\u{A9}\u{9B}1m", "\u{7F}日"])
    #expect(
      sink.shown == "a\tb\r\n?[2J\u{C}é\u{A9}?1m?日")
  }

  @Test(arguments: [("plain", true), ("日本", true), ("", true), ("a\u{0}b", false)])
  func `text is told from other documents`(text: String, isText: Bool) {
    #expect(TerminalDocument.isText(Array(text.utf8)) == isText)
    // Cut inside the last character.
    #expect(TerminalDocument.isText(Array(text.utf8.dropLast())) == isText)
    #expect(!TerminalDocument.isText([0xFF] + Array(text.utf8) + Array("tail".utf8)))
  }

  @Test func `reader that leaves early is reported`() throws {
    let fixture = try CommandFixture()
    let daemon = try streamingDaemon(fixture)
    fixture.output.failure = (0, .closed)
    #expect(fixture.run("get", "rfc/793", "-o", "-") == .cannotCreate)
    #expect(fixture.errors.text.contains("the reader closed the output"))
    _ = daemon
  }

  /// The daemon is asked to pause the download, and says what became of it.
  @Test(arguments: [
    (#"{"id":2,"status":200,"downloads":1}"#, "download 7 of rfc/793 is paused, and what was verified is kept"),
    (#"{"id":2,"status":200,"downloads":0}"#, "download 7 of rfc/793 goes on for another reader"),
    (#"{"id":2,"status":404,"error":"not-found","message":"gone"}"#, "nothing was kept of download 7 of rfc/793"),
  ])
  func `reader that leaves early pauses the download`(reply: String, message: String) throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains(#""op":"hello""#) { return [.line(ScriptedDaemon.greeting)] }
      if line.contains(#""op":"pause""#) { return [.line(reply)] }
      return [.line(#"{"event":"job","job":7,"waiter":3,"path":"-","received":0}"#)] + Self.streamed
    }
    fixture.output.failure = (0, .closed)
    #expect(fixture.run("get", "rfc/793", "-o", "-") == .cannotCreate)
    #expect(fixture.errors.text.contains("the reader closed the output: \(message)"), "\(fixture.errors.text)")
    #expect(daemon.requests.last == #"{"id":2,"op":"pause","job":7,"waiter":3}"#)
  }

  @Test func `lost stream goes on where it was`() throws {
    let fixture = try CommandFixture()
    fixture.pauseActions = [{}]
    let requests = Mutex(0)
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains(#""op":"hello""#) { return [.line(ScriptedDaemon.greeting)] }
      let isFirst = requests.withLock { count in
        count += 1
        return count == 1
      }
      guard isFirst else { return Array(Self.streamed.suffix(3)) }
      return [.line(#"{"event":"job","job":7,"waiter":3,"path":"-","received":9}"#)] + Self.streamed.prefix(2) + [
        .close
      ]
    }
    #expect(fixture.run("get", "rfc/793", "-o", "-") == .done)
    #expect(fixture.output.bytes == [0x61, 0x0A, 0x1B, 0xFF, 0x7B])
    #expect(daemon.requests.last?.contains(#""stream":true"#) == true)
    #expect(daemon.requests.last?.contains(#""rejoins":7,"since":9,"offset":3"#) == true)
  }

  @Test func `bytes of a document go to a pipe`() async throws {
    let fixture = try CommandFixture()
    let daemon = try streamingDaemon(fixture)
    let path = fixture.home.file("pipe")
    #expect(mkfifo(path, 0o600) == 0)
    async let read = onThread { TemporaryDirectory.read(path) }
    #expect(fixture.run("get", "rfc/793", "-o", path) == .done)
    #expect(try await read == [0x61, 0x0A, 0x1B, 0xFF, 0x7B])
    _ = daemon
  }

  @Test func `device is refused with a reason`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("get", "rfc/793", "-o", "/dev/null") == .cannotCreate)
    #expect(fixture.errors.text.contains("/dev/null is a device, not a file"))
  }

  @Test func `choices show date, size and holders`() throws {
    let fixture = try CommandFixture()
    let holders = ["alice", "bob", "carol", "dave"].map {
      #"{"peer":"\#(ScriptedDaemon.id)","name":"\#($0)","host":"192.0.2.7","port":1,"complete":true}"#
    }
    let choice =
      #"{"content":"\#(Sample.root)","title":"","size":5,"modified":"1981-09-01T00:00:00Z","total":9,"#
      + #""holders":[\#(holders.joined(separator: ","))]}"#
    let daemon = try ScriptedDaemon(
      at: fixture.socket("alice"),
      .line(Sample.failure(300, "several-contents", "2 contents", #","choices":[\#(choice)]"#)))
    #expect(fixture.run("get", "rfc/793", "--newest") == .failed)
    #expect(daemon.requests.first?.contains(#""newest":true"#) == true)
    #expect(fixture.errors.text.contains("1981-09-01T00:00:00Z   5 B  alice, bob, carol and 6 more"))
    #expect(fixture.errors.text.contains("--newest"))
  }
}

/// A document that is shown in parts, cut at every byte.
private struct TerminalDocumentParts {
  let shown: String

  init(_ parts: [String]) {
    var document = TerminalDocument()
    shown = String(decoding: parts.joined().utf8.flatMap { document.shown([$0]) }, as: UTF8.self)
  }
}
