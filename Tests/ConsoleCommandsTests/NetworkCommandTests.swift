// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import DocumentModel
import Glibc
import LineJSON
import ProcessSupport
import TestSupport
import Testing
import WireProtocol

/// Commands about the membership, against a scripted index or daemon.
@Suite struct NetworkCommandTests {
  static let index = String(repeating: "c1", count: 32)
  private static let peer = String(repeating: "b1", count: 32)
  private static let greeting =
    #"{"id":1,"status":200,"protocol":1,"server":"p2p-index/0.1.0","role":"index","peer":"\#(index)","name":"index"}"#
  static let secret = "00112233445566778899aabbccddeeff"

  static let ticket: String = {
    let addresses = [Endpoint(host: "192.0.2.1", port: 7734)]
    guard let id = PeerID(hex: index), let secret = TicketSecret(hex: secret) else { return "" }
    return Ticket(
      addresses: addresses, index: id, secret: secret, role: .reader, expires: Timestamp(seconds: 1_800_000_000)
    ).text
  }()

  /// The control socket of an index that answers everything in the same way.
  private func index(_ fixture: CommandFixture, _ reply: String) throws -> ScriptedDaemon {
    try ScriptedDaemon(
      at: Layout(home: fixture.home.path).indexSocket, greeting: Self.greeting,
      .line(#"{"id":2,"status":200,\#(reply)}"#))
  }

  func daemon(_ fixture: CommandFixture, _ steps: ScriptedDaemon.Step...) throws -> ScriptedDaemon {
    try ScriptedDaemon(at: fixture.socket("alice")) { line in
      line.contains(#""op":"hello""#) ? [.line(ScriptedDaemon.greeting)] : steps
    }
  }

  // MARK: Whom it asks

  @Test func `an index that runs here is asked directly`() throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, #""members":[]"#)
    let daemon = try daemon(fixture, .close)
    #expect(fixture.run("network", "members") == .done)
    #expect(index.requests == [#"{"id":2,"op":"members"}"#])
    #expect(!daemon.requests.contains { $0.contains("members") })
    #expect(fixture.errors.text.isEmpty)
  }

  @Test func `otherwise the daemon passes the request on`() throws {
    let fixture = try CommandFixture()
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"members":[]}"#))
    #expect(fixture.run("network", "members") == .done)
    #expect(daemon.requests == [#"{"id":2,"op":"network","request":{"op":"members"}}"#])
  }

  @Test func `a daemon that is named is asked, not the index`() throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, #""members":[]"#)
    let daemon = try daemon(fixture, .line(#"{"id":2,"status":200,"members":[]}"#))
    #expect(fixture.run("network", "members", "--peer", "alice") == .done)
    #expect(index.requests.isEmpty && daemon.requests.count == 1)
  }

  // MARK: Two networks

  /// The daemon of a peer that uses an index, by its id.
  private func ownPeer(_ fixture: CommandFixture, at index: String) throws -> ScriptedDaemon {
    let status = Sample.status.replacing(#""connected":true"#, with: #""connected":true,"id":"\#(index)""#)
    return try daemon(fixture, .line(status))
  }

  @Test func `a claim at an index that runs here is for the own peer`() throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, #""claims":[]"#)
    let daemon = try ownPeer(fixture, at: Self.index)
    #expect(fixture.run("network", "claim", "data/") == .done)
    #expect(index.requests == [#"{"id":2,"op":"claim","prefix":"data/","peer":"\#(ScriptedDaemon.id)"}"#])
    #expect(fixture.run("network", "claim", "data/", "--for", "b1b1b1b1") == .done)
    #expect(index.requests.last == #"{"id":2,"op":"claim","prefix":"data/","peer":"b1b1b1b1"}"#)
    #expect(fixture.errors.text.isEmpty)
    _ = daemon
  }

  @Test func `a claim without an owner is refused when the own peer is in another network`() throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, #""claims":[]"#)
    let daemon = try ownPeer(fixture, at: Self.peer)
    #expect(fixture.run("network", "claim", "data/") == .usage)
    #expect(index.requests.isEmpty && !daemon.requests.contains { $0.contains("claim") })
    for part in ["c1c1c1c1", "b1b1b1b1b1b1b1b1 at 127.0.0.1:7734", "claim data/ --peer alice", "claim data/ --for ID"] {
      #expect(fixture.errors.text.contains(part))
    }
  }

  @Test(arguments: [("settings", ExitStatus.done), ("connect", .usage)])
  func `a peer whose chosen index was never reached is not in the network of here`(
    source: String, status: ExitStatus
  ) throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, #""claims":[]"#)
    let unreached = Sample.status.replacing(#""connected":true"#, with: #""connected":false"#)
      .replacing(#""source":"settings""#, with: #""source":"\#(source)""#)
    let daemon = try daemon(fixture, .line(unreached))
    #expect(fixture.run("network", "claim", "data/") == status)
    #expect(index.requests.isEmpty == (status == .usage))
    #expect(fixture.errors.text.contains("is in the network of another one") == (status == .usage))
    _ = daemon
  }

  @Test func `a claim for a peer that does not answer asks for the owner`() throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, #""claims":[]"#)
    let daemon = try daemon(fixture, .close)
    #expect(fixture.run("network", "claim", "data/") == .unavailable)
    #expect(index.requests.isEmpty)
    for part in ["the daemon of peer alice", "its id is unknown", "network claim data/ --for ID"] {
      #expect(fixture.errors.text.contains(part))
    }
    #expect(fixture.run("network", "claim", "data/", "--for", "b1b1b1b1") == .done)
    _ = daemon
  }

  @Test(arguments: [["members"], ["claim"], ["claim", "data/", "--release"]])
  func `where there are two networks, commands say which index was asked`(words: [String]) throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, #""members":[],"claims":[]"#)
    let daemon = try ownPeer(fixture, at: Self.peer)
    #expect(CommandRunner.run(["network"] + words, on: fixture.console) == .done)
    #expect(index.requests.count == 1)
    #expect(fixture.errors.text.contains("index of this machine was asked: c1c1c1c1c1c1c1c1"))
    #expect(fixture.errors.text.contains("--peer alice asks that one"))
    _ = daemon
  }

  @Test(arguments: [[], ["--json"]])
  func `an id that is not found says which index was asked`(json: [String]) throws {
    let fixture = try CommandFixture()
    let failure = #"{"id":2,"status":404,"error":"not-found","message":"no member has this id"}"#
    let index = try ScriptedDaemon(
      at: Layout(home: fixture.home.path).indexSocket, greeting: Self.greeting, .line(failure))
    let daemon = try ownPeer(fixture, at: Self.peer)
    #expect(CommandRunner.run(["network", "revoke", "b1b1b1b1"] + json, on: fixture.console) == .notFound)
    #expect(fixture.errors.text.contains("--peer alice asks that one"))
    _ = (index, daemon)
  }

  @Test func `what the index forbids is exit status 77`() throws {
    let fixture = try CommandFixture()
    let failure = #"{"id":2,"status":403,"error":"forbidden","message":"only an admin may do this: ask one"}"#
    let daemon = try daemon(fixture, .line(failure))
    #expect(fixture.run("network", "invite") == .notPermitted)
    #expect(fixture.errors.text.contains("only an admin"))
    _ = daemon
  }

  // MARK: invite

  private static let invited =
    #""ticket":"\#(ticket)","number":"0123456789abcdef","role":"publisher","uses":5,"expires":"2027-01-15T08:00:00Z","#
    + #""addresses":["192.0.2.1:7734"]"#

  @Test func `invite prints the line alone on standard output`() throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, Self.invited)
    let status = fixture.run(
      "network", "invite", "--role", "publisher", "--uses", "5", "--expires", "2d", "--address", "192.0.2.1")
    #expect(status == .done)
    #expect(fixture.output.text == Self.ticket + "\n")
    #expect(fixture.errors.text.contains("5 peers as publisher"))
    #expect(
      index.requests == [
        #"{"id":2,"op":"invite","role":"publisher","uses":5,"lifetime":172800,"addresses":["192.0.2.1:7734"]}"#
      ])
  }

  @Test func `by default a ticket is for one reader and a week`() throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, Self.invited)
    #expect(fixture.run("network", "invite", "--json") == .done)
    #expect(index.requests == [#"{"id":2,"op":"invite","role":"reader","uses":1,"lifetime":604800}"#])
    #expect(try fixture.rows().first?["ticket"]?.string == Self.ticket)
  }

  @Test(arguments: [
    ["invite", "--role", "king"], ["invite", "--uses", "0"], ["invite", "--expires", "7"],
    ["invite", "--expires", "-1d"],
    ["invite", "--expires", "99999999w"], ["invite", "--address", ":7"], ["revoke"], ["revoke", "1234567"],
    ["revoke", "12345678", "--ticket", "12345678"], ["revoke", "nonsense"], ["ban"], ["ban", "xyz"], ["unban", ""],
    ["claim", "data"], ["claim", "data//"], ["claim", "--release"],
    ["claim", "data/x/", "--release", "--for", "12345678"],
    ["log", "-n", "0"], ["nonsense"], [],
  ])
  func `wrong arguments are a usage error`(words: [String]) throws {
    let fixture = try CommandFixture()
    #expect(CommandRunner.run(["network"] + words, on: fixture.console) == .usage)
  }

  // MARK: Lists

  @Test func `members and tickets are listed without secrets`() throws {
    let fixture = try CommandFixture()
    let index = try index(
      fixture,
      #""members":[{"peer":"\#(Self.peer)","name":"bob\u001b","role":"reader","since":"2026-03-01T12:00:00Z","by":"\#(Self.index)","sessions":1}],"#
        .replacing("bob\\u001b", with: "bob")
        + #""tickets":[{"number":"0123456789abcdef","role":"reader","left":1,"uses":5,"expires":"2026-03-08T12:00:00Z"}]"#
    )
    #expect(fixture.run("network", "members") == .done)
    #expect(fixture.output.text.contains("b1b1b1b1b1b1b1b1"))
    #expect(fixture.output.text.contains("1 of 5"))
    #expect(fixture.output.text.contains("c1c1c1c1c1c1c1c1") && fixture.output.text.contains("operator"))
    _ = index
  }

  @Test func `members and tickets are rows with --json`() throws {
    let fixture = try CommandFixture()
    let index = try index(
      fixture,
      #""members":[{"peer":"\#(Self.peer)","name":"bob","role":"reader","sessions":1}],"#
        + #""tickets":[{"number":"0123456789abcdef","role":"reader","left":1,"uses":5,"expires":"2026-03-08T12:00:00Z"}]"#
    )
    #expect(fixture.run("network", "members", "--json") == .done)
    let rows = try fixture.rows()
    #expect(rows.contains { $0["id"]?.string == Self.peer && $0["peer"]?.string == "bob" })
    #expect(rows.contains { $0["ticket"]?.string == "0123456789abcdef" })
    _ = index
  }

  @Test func `pages are followed to the end`() throws {
    let fixture = try CommandFixture()
    let second = String(repeating: "b2", count: 32)
    @Sendable func member(_ id: String) -> String { #"{"peer":"\#(id)","role":"reader","sessions":0}"# }
    let index = try ScriptedDaemon(at: Layout(home: fixture.home.path).indexSocket) { line in
      if line.contains(#""op":"hello""#) { return [.line(Self.greeting)] }
      return line.contains("after")
        ? [.line(#"{"id":2,"status":200,"members":[\#(member(second))]}"#)]
        : [.line(#"{"id":2,"status":200,"members":[\#(member(Self.peer))],"next":"\#(Self.peer)"}"#)]
    }
    #expect(fixture.run("network", "members", "--json") == .done)
    #expect(try fixture.rows().compactMap { $0["id"]?.string } == [Self.peer, second])
    #expect(index.requests.count == 2)
  }

  @Test(arguments: [
    ("members", #""members":[],"next":"\#(peer)""#), ("bans", #""bans":[],"next":"\#(peer)""#),
    ("claim", #""claims":[],"next":"data/cats/""#), ("log", #""entries":[],"before":7"#),
  ])
  func `pages that lead no further end as malformed`(command: String, page: String) throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, page)
    #expect(fixture.run("network", command) == .unavailable)
    #expect(fixture.errors.text.contains("malformed reply from the index"))
    #expect(index.requests.count == 2)
  }

  @Test func `the log is one line for each entry`() throws {
    let fixture = try CommandFixture()
    let index = try index(
      fixture,
      #""entries":[{"time":"2026-03-01T12:00:00Z","event":"joined","peer":"\#(Self.peer)","role":"reader","#
        + #""ticket":"0123456789abcdef","host":"192.0.2.9"},{"time":"2026-03-01T12:00:09Z","event":"refused","#
        + #""reason":"no member","count":12}]"#)
    #expect(fixture.run("network", "log", "-n", "2") == .done)
    #expect(
      fixture.output.text == """
        2026-03-01T12:00:00Z joined b1b1b1b1b1b1b1b1 as reader by ticket 0123456789abcdef from 192.0.2.9
        2026-03-01T12:00:09Z refused 12 times: no member

        """)
    #expect(index.requests == [#"{"id":2,"op":"log","limit":2}"#])
  }

  @Test func `the log ends with the newest entry, however many a page has`() throws {
    let fixture = try CommandFixture()
    let entries = [("08", "refused"), ("09", "joined")].map { #"{"time":"2026-03-01T12:00:\#($0)Z","event":"\#($1)"}"# }
    let index = try index(fixture, #""entries":[\#(entries.joined(separator: ","))]"#)
    #expect(fixture.run("network", "log", "-n", "1") == .done)
    #expect(fixture.output.text == "2026-03-01T12:00:09Z joined\n")
    _ = index
  }

  @Test func `revoke and ban say how many tickets went with the membership`() throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, #""peer":"\#(Self.peer)","withdrawn":2"#)
    #expect(fixture.run("network", "revoke", "b1b1b1b1") == .done)
    #expect(fixture.output.text == "membership of \(Self.peer) revoked\n2 tickets of its making taken back\n")
    #expect(fixture.run("network", "ban", "b1b1b1b1", "--json") == .done)
    #expect(fixture.output.text.contains(#""withdrawn":2"#))
    _ = index
  }

  @Test func `revoke says how many claims stay`() throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, #""peer":"\#(Self.peer)","claims":2"#)
    #expect(fixture.run("network", "revoke", "b1b1b1b1") == .done)
    #expect(fixture.errors.text.contains("2 claims of the peer stay and keep others out"))
    #expect(fixture.run("network", "ban", "b1b1b1b1", "--json") == .done)
    #expect(fixture.output.text.contains(#""claims":2"#))
    _ = index
  }

  @Test func `revoke names the tickets by which others can still join`() throws {
    let fixture = try CommandFixture()
    let index = try index(
      fixture,
      #""peer":"\#(Self.peer)","tickets":[{"number":"0123456789abcdef","role":"reader","left":4,"uses":5,"#
        + #""expires":"2026-03-08T12:00:00Z"}]"#)
    #expect(fixture.run("network", "revoke", "b1b1b1b1") == .done)
    #expect(fixture.output.text == "membership of \(Self.peer) revoked\n")
    #expect(fixture.errors.text.contains("(uses left: 4)"))
    #expect(fixture.errors.text.contains("p2pctl network revoke --ticket 0123456789abcdef"))
    _ = index
  }

  @Test func `revoke, ban and unban say whom they concerned`() throws {
    let fixture = try CommandFixture()
    let index = try index(fixture, #""peer":"\#(Self.peer)""#)
    #expect(fixture.run("network", "revoke", "B1B1B1B1") == .done)
    #expect(fixture.output.text == "membership of \(Self.peer) revoked\n")
    #expect(fixture.run("network", "ban", "b1b1b1b1", "--reason", "noise") == .done)
    #expect(fixture.run("network", "unban", Self.peer) == .done)
    #expect(
      index.requests == [
        #"{"id":2,"op":"revoke","peer":"b1b1b1b1"}"#, #"{"id":2,"op":"ban","peer":"b1b1b1b1","reason":"noise"}"#,
        #"{"id":2,"op":"unban","peer":"\#(Self.peer)"}"#,
      ])
  }

  @Test func `claims are changed and listed`() throws {
    let fixture = try CommandFixture()
    let claim =
      #"{"prefix":"data/cats/","owner":"\#(Self.peer)","allowed":["\#(Self.index)"],"since":"2026-03-01T12:00:00Z"}"#
    let index = try index(fixture, #""claims":[\#(claim)]"#)
    #expect(fixture.run("network", "claim", "data/cats/", "--allow", "c1c1c1c1") == .done)
    #expect(fixture.output.text == "data/cats/ belongs to b1b1b1b1b1b1b1b1, which allows c1c1c1c1c1c1c1c1\n")
    #expect(fixture.run("network", "claim", "--json") == .done)
    #expect(
      index.requests == [
        #"{"id":2,"op":"claim","prefix":"data/cats/","change":"allow","peer":"c1c1c1c1"}"#, #"{"id":2,"op":"claim"}"#,
      ])
  }

  @Test func `limits are a table`() throws {
    let fixture = try CommandFixture()
    let index = try index(
      fixture, #""limits":[{"limit":"records","value":1000000,"per":"session"},{"limit":"x","per":"address"}]"#)
    #expect(fixture.run("network", "limits") == .done)
    #expect(fixture.output.text.contains("none"))
    _ = index
  }
}
