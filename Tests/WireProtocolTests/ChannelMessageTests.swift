// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import Testing
import WireProtocol

@Suite struct ChannelMessageTests {
  static let peer = ChildSettings.peer(
    PeerSettings(
      state: "/h/state/alice", control: "/h/run/alice.sock", index: .defaultIndex, downloads: "/h/downloads/alice"))
  static let index = ChildSettings.index(IndexSettings(address: .defaultIndex))

  private func json(_ text: String) throws -> JSONValue {
    try Jansson.decode(Array(text.utf8))
  }

  private func text(_ json: JSONValue) throws -> String {
    String(decoding: try Jansson.encodeLine(json).dropLast(), as: UTF8.self)
  }

  @Test func `the first line for a peer`() throws {
    let start = ChannelStart(name: "alice", settings: Self.peer, listeners: ChannelListeners(uploads: 4, control: 5))
    let line =
      #"{"channel":1,"role":"peer","name":"alice","settings":{"state":"/h/state/alice","control":"/h/run/alice.sock","#
      + #""index":"127.0.0.1:7734","downloads":"/h/downloads/alice"},"listeners":{"uploads":4,"control":5}}"#
    #expect(try text(start.json) == line)
    #expect(try ChannelStart(json(line)) == start)
  }

  @Test func `the first line for an index`() throws {
    let start = ChannelStart(name: "index", settings: Self.index, listeners: ChannelListeners(index: 4))
    let line =
      #"{"channel":1,"role":"index","name":"index","settings":{"address":"127.0.0.1:7734"},"listeners":{"index":4}}"#
    #expect(try text(start.json) == line)
    #expect(try ChannelStart(json(line)) == start)
  }

  /// A line over the limit would end the channel, and so the child.
  @Test func `the longest settings fit a line`() throws {
    let longest = try AddressRange("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")
    let index = ChildSettings.index(
      IndexSettings(address: .defaultIndex, allowAdvertise: Array(repeating: longest, count: 1_000)))
    // The longest path of the system, of bytes that JSON writes as two.
    let path = String(repeating: "\"", count: 4_095)
    let peer = ChildSettings.peer(
      PeerSettings(
        state: path, control: path, index: .defaultIndex, downloads: path,
        advertise: HostAddress("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")))
    for settings in [index, peer] {
      let start = ChannelStart(
        name: String(repeating: "n", count: 32), settings: settings,
        listeners: ChannelListeners(index: 65_535, uploads: 65_535, control: 65_535))
      #expect(try Jansson.encodeLine(start.json).count <= ChannelProtocol.maximumLine)
      #expect(try Jansson.encodeLine(ChannelCommand.reload(settings).json).count <= ChannelProtocol.maximumLine)
      #expect(try ChannelStart(json(text(start.json))) == start)
    }
    let ids = Array(repeating: PeerID(digest: .zero), count: 900)
    #expect(try Jansson.encodeLine(ChannelCommand.own(ids).json).count <= ChannelProtocol.maximumLine)
  }

  @Test func `advertised addresses are part of the settings`() throws {
    let index = #"{"address":":7734","allow_advertise":["10.0.0.0/8","2001:db8::1"]}"#
    let settings = try ChildSettings(json(index), role: .index)
    #expect(try text(settings.json) == index)
    let peer = #"{"state":"/s","control":"/c","index":"h:1","downloads":"/d","advertise":"192.0.2.1"}"#
    #expect(try text(ChildSettings(json(peer), role: .peer).json) == peer)
    for wrong in [#"["10/8"]"#, "[1]", #""10.0.0.0/8""#] {
      let value = try json(#"{"address":":7734","allow_advertise":\#(wrong)}"#)
      #expect(throws: WireFailure.self) { try ChildSettings(value, role: .index) }
    }
    let name = try json(peer.replacing("192.0.2.1", with: "example.org"))
    #expect(throws: WireFailure.self) { try ChildSettings(name, role: .peer) }
  }

  @Test func `choice of an index to forget is part of the settings`() throws {
    let text = #"{"state":"/s","control":"/c","index":"h:1","downloads":"/d","forget_connect":true}"#
    let settings = try ChildSettings(json(text), role: .peer)
    #expect(try self.text(settings.json) == text)
    guard case .peer(let peer) = settings else { throw WireFailure.badRequest("no peer") }
    #expect(peer.forgetsConnect)
  }

  /// The number is checked before any other field.
  @Test func `another protocol is named`() throws {
    #expect(throws: ChannelStart.Refusal.otherProtocol(2)) { try ChannelStart(json(#"{"channel":2,"role":7}"#)) }
    #expect("\(ChannelStart.Refusal.otherProtocol(2))".contains("protocol 2, this program speaks 1"))
  }

  @Test(arguments: [
    #"{}"#, #"{"channel":"1"}"#, #"{"channel":1}"#,
    #"{"channel":1,"role":"supervisor","name":"x","settings":{},"listeners":{}}"#,
    #"{"channel":1,"role":"index","name":"x","settings":{"address":"nowhere"},"listeners":{}}"#,
    #"{"channel":1,"role":"index","name":"x","settings":{"address":"h:1"},"listeners":{"index":2}}"#,
    #"{"channel":1,"role":"index","name":"x","settings":{"address":"h:1"},"listeners":[]}"#,
    #"{"channel":1,"role":"peer","name":"x","settings":{"state":"/s"},"listeners":{}}"#,
  ])
  func `malformed first line is refused`(line: String) throws {
    let value = try json(line)
    #expect(throws: ChannelStart.Refusal.self) { try ChannelStart(value) }
  }

  @Test(arguments: [
    (
      #"{"event":"ready","channel":1,"addresses":{"index":"127.0.0.1:7734"}}"#,
      ChannelEvent.ready(ChannelAddresses(index: "127.0.0.1:7734"))
    ),
    (
      #"{"event":"ready","channel":1,"addresses":{"uploads":"127.0.0.1:1","control":"/c"}}"#,
      .ready(ChannelAddresses(uploads: "127.0.0.1:1", control: "/c"))
    ),
    (#"{"event":"ready","channel":2}"#, .otherProtocol(2)),
    (#"{"event":"heartbeat"}"#, .heartbeat),
    (#"{"event":"failed","message":"no key"}"#, .failed(message: "no key")),
  ])
  func `events are written and read`(line: String, event: ChannelEvent) throws {
    #expect(try text(event.json) == line)
    #expect(try ChannelEvent(json(line)) == event)
  }

  @Test func `commands are written and read`() throws {
    let reload = #"{"op":"reload","settings":{"address":"127.0.0.1:7734"}}"#
    #expect(try text(ChannelCommand.stop.json) == #"{"op":"stop"}"#)
    #expect(try ChannelCommand(json(#"{"op":"stop"}"#), role: .peer) == .stop)
    #expect(try text(ChannelCommand.reload(Self.index).json) == reload)
    #expect(try ChannelCommand(json(reload), role: .index) == .reload(Self.index))
    #expect(throws: WireFailure.self) { try ChannelCommand(json(reload), role: .peer) }
    let listen = #"{"op":"listen","listener":"control"}"#
    #expect(try text(ChannelCommand.listen.json) == listen)
    #expect(try ChannelCommand(json(listen), role: .peer) == .listen)
    let own = #"{"op":"own","ids":["\#(Sample.peer)","\#(Sample.other)"]}"#
    let ids = [Sample.peer, Sample.other].compactMap(PeerID.init(hex:))
    #expect(try text(ChannelCommand.own(ids).json) == own)
    #expect(try ChannelCommand(json(own), role: .index) == .own(ids))
    #expect(try text(ChannelCommand.go.json) == #"{"op":"go"}"#)
    #expect(try ChannelCommand(json(#"{"op":"go"}"#), role: .peer) == .go)
    for wrong in [#"{"op":"listen"}"#, #"{"op":"listen","listener":"uploads"}"#, #"{"op":"jump"}"#] {
      #expect(throws: WireFailure.self) { try ChannelCommand(json(wrong), role: .peer) }
    }
    #expect(throws: WireFailure.self) { try ChannelEvent(json(#"{"event":"jump"}"#)) }
  }

  @Test(
    arguments: [
      (#"{}"#, "channel is missing"), (#"{"channel":1}"#, "role is missing"),
      (#"{"channel":1,"role":"king"}"#, "role is one of index, peer, supervisor"),
      (#"{"channel":1,"role":"index","name":"x"}"#, "settings is missing"),
      (#"{"channel":1,"role":"index","name":"x","settings":[]}"#, "settings is an object"),
      (#"{"channel":1,"role":"supervisor","name":"x","settings":{},"listeners":{}}"#, "a child is an index or a peer"),
      (
        #"{"channel":1,"role":"index","name":"x","settings":{"address":"h:1"},"listeners":{"index":2}}"#,
        "index is an integer from 3 to 65535"
      ),
    ])
  func `malformed first line is refused with its reason`(line: String, reason: String) throws {
    let value = try json(line)
    #expect(throws: ChannelStart.Refusal.malformed(reason)) { try ChannelStart(value) }
    #expect("\(ChannelStart.Refusal.malformed(reason))".hasSuffix(reason))
  }

  @Test(
    arguments: [
      (#"{}"#, "event is missing"), (#"{"event":7}"#, "event is a string"),
      (#"{"event":"jump"}"#, "event is one of ready, heartbeat, failed, identity, owned"),
      (#"{"event":"ready"}"#, "addresses is missing"),
      (#"{"event":"ready","channel":1,"addresses":[]}"#, "addresses is an object"),
      (#"{"event":"ready","channel":1,"addresses":{"index":1}}"#, "index is a string"),
      (#"{"event":"failed"}"#, "message is missing"),
    ])
  func `malformed event is refused with its reason`(line: String, reason: String) throws {
    let value = try json(line)
    #expect(throws: WireFailure.badRequest(reason)) { try ChannelEvent(value) }
  }

  @Test func `a child of the first release names no channel`() throws {
    #expect(
      try ChannelEvent(json(#"{"event":"ready","addresses":{"control":"/c"}}"#))
        == .ready(ChannelAddresses(control: "/c")))
  }

  @Test(
    arguments: [
      (#"{"op":"jump"}"#, "op is one of stop, reload, listen, own, go"), (#"{}"#, "op is missing"),
      (#"{"op":"reload"}"#, "settings is missing"), (#"{"op":"reload","settings":{}}"#, "state is missing"),
    ])
  func `malformed command is refused with its reason`(line: String, reason: String) throws {
    let value = try json(line)
    #expect(throws: WireFailure.badRequest(reason)) { try ChannelCommand(value, role: .peer) }
  }

  @Test func `listeners are named`() {
    let listeners = ChannelListeners(uploads: 4, control: 5)
    #expect(listeners.all.map(\.name) == ["uploads", "control"])
    #expect(listeners.all.map(\.descriptor) == [4, 5])
    #expect(ChannelListeners().all.isEmpty)
    #expect(Self.peer.role == .peer && Self.index.role == .index)
  }
}
