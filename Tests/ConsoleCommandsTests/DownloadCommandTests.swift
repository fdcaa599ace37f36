// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import LineJSON
import Synchronization
import TestSupport
import Testing

/// `get` as a download of the daemon, and the commands for downloads, against a scripted daemon.
@Suite struct DownloadCommandTests {
  /// The daemon is gone when Ctrl-C comes, and back when it is told.
  @Test func `interrupted get of several keys names what is paused and what goes on`() throws {
    let fixture = try CommandFixture()
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      switch line {
      case _ where line.contains(#""op":"hello""#): [.line(ScriptedDaemon.greeting)]
      case _ where line.contains(#""op":"get-all""#):
        [7, 8, 9].map { .line(#"{"event":"job","job":\#($0),"waiter":3,"path":"/w/\#($0)"}"#) } + [.close]
      case _ where line.contains(#""op":"transfers""#):
        [7, 8].map {
          .line(
            #"{"event":"transfer","id":\#($0),"direction":"download","state":"active","content":"\#(Sample.root)","#
              + #""size":5,"received":0,"rate":0,"sources":[]}"#
          )
        } + [.line(#"{"id":2,"status":200,"transfers":2}"#)]
      case _ where line.contains(#""job":7"#): [.line(#"{"id":2,"status":200,"downloads":1}"#)]
      default: [.line(#"{"id":2,"status":200,"downloads":0}"#)]
      }
    }
    #expect(fixture.run("get", "file/a", "file/b", "file/c", "-o", "/w") == .interrupted)
    let text = fixture.errors.text
    #expect(text.contains("interrupted: what was fetched of 3 keys is kept"), "\(text)")
    #expect(
      text.contains("  paused: download 7 (/w/7)\n  goes on without this command: download 8 (/w/8)\n"), "\(text)")
    #expect(!text.contains("download 9"))
    #expect(daemon.requests.filter { $0.contains(#""op":"pause""#) }.count == 2)
  }

  private static let job = #"{"event":"job","job":7,"waiter":3,"path":"/w/rfc793.txt"}"#

  private func daemon(_ fixture: CommandFixture, _ steps: ScriptedDaemon.Step...) throws -> ScriptedDaemon {
    try ScriptedDaemon(at: fixture.socket("alice")) { line in
      line.contains(#""op":"hello""#) ? [.line(ScriptedDaemon.greeting)] : steps
    }
  }

  // MARK: get

  @Test func `detached get of several keys prints the number of each, and of a failure why`() throws {
    let fixture = try CommandFixture()
    let reply = { @Sendable (key: String, job: Int) in
      #"{"id":2,"status":200,"key":"\#(key)","content":"\#(Sample.root)","size":5,"path":"/w/d/x","#
        + #""received":0,"sources":[],"seconds":0.01,"job":\#(job),"state":"active"}"#
    }
    let absent = #"{"id":2,"status":404,"error":"not-found","message":"nobody shares rfc/2 now"}"#
    let none = #"{"id":2,"status":200,"documents":0}"#
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains(#""op":"hello""#) { return [.line(ScriptedDaemon.greeting)] }
      if line.contains(#""op":"list""#) { return [.line(none)] }
      if line.contains("rfc/2") { return [.line(absent)] }
      return [.line(line.contains("rfc/1") ? reply("rfc/1", 7) : reply("rfc/3", 8))]
    }
    #expect(fixture.run("get", "1", "2", "3", "-o", "d", "--detach") == .notFound)
    #expect(fixture.output.text == "7\n8\n")
    #expect(fixture.errors.text.contains("rfc/2"))
    let gets = daemon.requests.filter { $0.contains(#""op":"get""#) }
    #expect(gets.count == 3 && gets.allSatisfy { $0.contains(#""detach":true"#) && $0.contains(#"/d/""#) })
  }

  @Test func `detached get prints the number`() throws {
    let fixture = try CommandFixture()
    let reply =
      #"{"id":2,"status":200,"key":"rfc/793","content":"\#(Sample.root)","size":5,"path":"/w/rfc793.txt","#
      + #""received":0,"sources":[],"seconds":0.01,"job":7,"state":"active"}"#
    let daemon = try daemon(fixture, .line(Self.job), .line(reply))
    #expect(fixture.run("get", "793", "--detach") == .done)
    #expect(fixture.output.text == "7\n")
    #expect(fixture.errors.text.contains("p2pctl transfers"))
    #expect(daemon.requests.first?.contains(#""detach":true"#) == true)
    #expect(fixture.run("get", "793", "--detach", "--json") == .done)
    #expect(try Jansson.decode(fixture.output.text.dropFirst(2).utf8)["job"]?.integer == 7)
  }

  @Test func `get passes wait on`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Sample.failure(504, "no-source", "none")))
    #expect(fixture.run("get", "793", "--wait") == .unavailable)
    #expect(daemon.requests.first?.contains(#""wait":true"#) == true)
  }

  @Test func `options that exclude each other are refused`() throws {
    let fixture = try CommandFixture()
    #expect(fixture.run("get", "793", "--wait", "--detach") == .usage)
    #expect(fixture.run("get", "793", "--detach", "-o", "-") == .usage)
  }

  @Test(arguments: [
    (504, "no-source", ExitStatus.unavailable, "Download 7 goes on when a holder is back. End it: p2pctl cancel 7"),
    (409, "cannot-create", .cannotCreate, "Download 7 tries again every 30 s. End it: p2pctl cancel 7"),
    (502, "verification-failed", .verificationFailed, "Try another holder"),
    (499, "cancelled", .interrupted, ""),
  ])
  func `failure says what becomes of the download`(status: Int, code: String, exit: ExitStatus, hint: String) throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(
      fixture, .line(Self.job), .line(Sample.failure(status, code, "so it is", #","job":7"#)))
    #expect(fixture.run("get", "793") == exit)
    #expect(fixture.errors.text.hasPrefix("p2pctl: so it is\n"))
    #expect(hint.isEmpty || fixture.errors.text.contains(hint))
    // It was not Ctrl-C.
    #expect(daemon.requests.count == 1)
  }

  @Test func `get goes on when its daemon is back`() throws {
    let fixture = try CommandFixture()
    let gets = Mutex(0)
    let reply =
      #"{"id":2,"status":200,"key":"rfc/793","content":"\#(Sample.root)","size":5,"path":"/w/rfc793.txt","#
      + #""received":5,"sources":[],"seconds":0.01,"job":7}"#
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains(#""op":"hello""#) { return [.line(ScriptedDaemon.greeting)] }
      return gets.withLock { count in
        count += 1
        switch count {
        case 1: return [.line(Self.job), .close]
        case 2: return [.close]
        default: return [.line(Self.job), .line(reply)]
        }
      }
    }
    fixture.pauseActions = [{}, {}]
    #expect(fixture.run("get", "793") == .done)
    #expect(daemon.requests.count == 3)
    let again = try Jansson.decode(try #require(daemon.requests.last).utf8)
    #expect(again["rejoins"]?.integer == 7 && again["key"]?.string == "rfc/793")
  }

  @Test func `get without a download does not try again`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .close)
    #expect(fixture.run("get", "793") == .unavailable)
    #expect(daemon.requests.count == 1)
  }

  @Test func `get that waits for a holder tries again`() throws {
    let fixture = try CommandFixture()
    let gets = Mutex(0)
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains(#""op":"hello""#) { return [.line(ScriptedDaemon.greeting)] }
      return gets.withLock { count in
        count += 1
        // Its index is not back yet.
        if count == 2 { return [.line(Sample.failure(503, "unavailable", "not connected yet"))] }
        return count == 1 ? [.close] : [.line(Sample.failure(409, "cannot-create", "no"))]
      }
    }
    fixture.pauseActions = [{}, {}]
    #expect(fixture.run("get", "793", "--wait") == .cannotCreate)
    #expect(daemon.requests.count == 3)
  }

  @Test func `get that waits says at once that there is no index`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Sample.failure(503, "unavailable", "not connected yet")))
    #expect(fixture.run("get", "793", "--wait") == .unavailable)
    #expect(daemon.requests.count == 1)
  }

  // MARK: pause, resume, cancel

  @Test(arguments: [
    (["pause", "7"], #"{"id":2,"op":"pause","job":7}"#, "1 download paused\n"),
    (["pause", "rfc/7"], #"{"id":2,"op":"pause","key":"rfc/7"}"#, "1 download paused\n"),
    (["resume", "--all"], #"{"id":2,"op":"resume","all":true}"#, "1 download resumed\n"),
    (["cancel", "7"], #"{"id":2,"op":"cancel","job":7}"#, "1 download cancelled\n"),
  ])
  func `bare number is a download`(arguments: [String], request: String, output: String) throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"downloads":1}"#))
    #expect(CommandRunner.run(arguments, on: fixture.console) == .done)
    #expect(daemon.requests == [request])
    #expect(fixture.output.text == output)
    #expect(CommandRunner.run(arguments + ["--json"], on: fixture.console) == .done)
    #expect(fixture.output.text.hasSuffix(#"{"downloads":1}"# + "\n"))
  }

  @Test(arguments: [[], ["7", "--all"], ["x"], ["-1"], ["Rfc/"]])
  func `something must be selected`(arguments: [String]) throws {
    let fixture = try CommandFixture()
    for verb in ["pause", "resume", "cancel"] {
      #expect(CommandRunner.run([verb] + arguments, on: fixture.console) == .usage)
    }
  }

  @Test func `unknown download is not found`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Sample.failure(404, "not-found", "there is no download 9")))
    #expect(fixture.run("cancel", "9") == .notFound)
    _ = daemon
  }

  // MARK: transfers

  private static let waiting =
    #"{"event":"transfer","id":6,"direction":"download","state":"waiting","key":"rfc/793","content":"\#(Sample.root)","#
    + #""size":2048,"received":0,"rate":0,"path":"/mnt/x","sources":[],"pieces":1,"have":0,"error":"/mnt: gone\u001b"}"#

  @Test func `transfers shows states and reasons`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Self.waiting), .line(#"{"id":2,"status":200,"transfers":1}"#))
    #expect(fixture.run("transfers", "--all") == .done)
    #expect(daemon.requests == [#"{"id":2,"op":"transfers","all":true}"#])
    #expect(fixture.output.text.contains(" 6  waiting  download "))
    #expect(fixture.errors.text == #"6: /mnt: gone\u{1B}"# + "\n")
    #expect(fixture.run("transfers", "--json") == .done)
    #expect(fixture.output.text.contains(#""error":"/mnt: gone"#))
  }

  @Test func `transfers is repeated until Ctrl-C`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Self.waiting), .line(#"{"id":2,"status":200,"transfers":1}"#))
    // Ten to a second.
    fixture.pauseActions = Array(repeating: {}, count: 20)
    fixture.terminal.isOutput = true
    #expect(fixture.run("transfers", "--watch") == .interrupted)
    #expect(daemon.requests.count == 3)
    #expect(daemon.requests.first == #"{"id":2,"op":"transfers","limit":48,"map":true}"#)
    let text = fixture.output.text
    #expect(text.split(separator: "\u{1B}[H").count == 4)
    #expect(text.hasPrefix("\u{1B}[?1049h") && text.hasSuffix("\u{1B}[?1049l"))
    #expect(text.contains(#"/mnt: gone\u{1B}"#))
  }

  @Test func `watch without a terminal prints a table for each change`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(Self.waiting), .line(#"{"id":2,"status":200,"transfers":1}"#))
    fixture.pauseActions = [{}, {}]
    #expect(fixture.run("transfers", "--watch") == .interrupted)
    #expect(daemon.requests.count == 3)
    #expect(fixture.output.text.split(separator: "\n").count == 2)
    #expect(!fixture.output.text.contains("\u{1B}"))
  }

  @Test func `watch prints rows that change as JSON, and the end of an upload`() throws {
    let fixture = try CommandFixture()
    let upload =
      #"{"event":"transfer","id":1000001,"direction":"upload","state":"active","content":"\#(Sample.root)","size":5,"#
      + #""received":5,"rate":5,"sources":[{"peer":"bob","id":"\#(Sample.otherID)","rate":5,"bytes":5}]}"#
    let end = ScriptedDaemon.Step.line(#"{"id":2,"status":200,"transfers":1}"#)
    let replies = Mutex([[.line(upload), end], [.line(upload), end], [.line(Self.waiting), end]])
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      line.contains(#""op":"hello""#) ? [.line(ScriptedDaemon.greeting)] : replies.withLock { $0.removeFirst() }
    }
    fixture.pauseActions = [{}, {}]
    #expect(fixture.run("transfers", "--watch", "--json") == .interrupted)
    let rows = try fixture.rows()
    #expect(rows.map { $0["id"]?.integer } == [1_000_001, 6, 1_000_001])
    #expect(rows.map { $0["state"]?.string } == ["active", "waiting", "done"])
    _ = daemon
  }

  @Test func `watch goes on when the daemon is back`() throws {
    let fixture = try CommandFixture()
    fixture.terminal.isOutput = true
    let replies = Mutex([[], [ScriptedDaemon.Step.close], []])
    let daemon = try ScriptedDaemon(at: fixture.socket("alice")) { line in
      if line.contains(#""op":"hello""#) { return [.line(ScriptedDaemon.greeting)] }
      return replies.withLock { $0.removeFirst() } + [.line(#"{"id":2,"status":200,"transfers":0}"#)]
    }
    fixture.pauseActions = Array(repeating: {}, count: 20)
    #expect(fixture.run("transfers", "--watch") == .interrupted)
    #expect(daemon.requests.count == 3)
    let frames = fixture.output.text.split(separator: "\u{1B}[H")
    #expect(frames.map { $0.contains("No active transfers.") } == [false, true, false, true])
    #expect(fixture.output.text.contains("Trying again"))
  }
}
