// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import PeerDaemon
import Testing
import WireProtocol

@Suite struct SourceChoiceTests {
  private let key: DocumentKey
  private let own: PeerID

  init() throws {
    key = try DocumentKey("file/x")
    own = try #require(PeerID(hex: String(repeating: "00", count: 32)))
  }

  private func holder(_ id: String, _ name: String) throws -> Holder {
    let hex = id + String(repeating: "f", count: 64 - id.count)
    return Holder(
      peer: try #require(PeerID(hex: hex)), name: try PeerName(name), host: "192.0.2.1", port: 1, complete: true)
  }

  private func row(
    _ root: String, _ holders: [Holder], size: Int64 = 5, modified: Int64 = 0
  ) throws -> ContentListing {
    let digest = try #require(Digest(hex: root + String(repeating: "1", count: 64 - root.count)))
    return ContentListing(
      content: try #require(Content(root: digest, size: size)), title: .empty,
      modified: Timestamp(seconds: modified), total: holders.count, holders: holders)
  }

  private func choose(
    _ rows: [ContentListing], more: Int = 0, from: String? = nil, prefix: String? = nil, newest: Bool = false
  ) throws(WireFailure) -> SourceChoice {
    try SourceChoice(
      key, LookupReply(key: key, contents: rows, more: more), from: from, prefix: prefix, newest: newest, asking: own)
  }

  private func code(_ body: () throws(WireFailure) -> SourceChoice) -> ErrorCode? {
    do throws(WireFailure) {
      _ = try body()
      return nil
    } catch {
      return error.code
    }
  }

  @Test func `only content is chosen`() throws {
    let row = try row("a", [holder("1", "alice")])
    #expect(try choose([row]).holders.map(\.name.text) == ["alice"])
  }

  @Test func `short prefix decides nothing while contents are left out`() throws {
    let rows = try [row("a", [holder("1", "alice")]), row("b", [holder("2", "bob")])]
    for prefix in ["a", "c"] {
      #expect(code { () throws(WireFailure) in try choose(rows, more: 1, prefix: prefix) } == .severalContents)
    }
  }

  @Test func `several contents need a choice`() throws {
    let rows = try [row("a", [holder("1", "alice")]), row("b", [holder("2", "bob")])]
    #expect(code { () throws(WireFailure) in try choose(rows) } == .severalContents)
    #expect(try choose(rows, from: "bob").content == rows[1])
    #expect(try choose(rows, prefix: "A").content == rows[0])
    #expect(code { () throws(WireFailure) in try choose(rows, prefix: "c") } == .notFound)
    #expect(code { () throws(WireFailure) in try choose(rows, from: "carol") } == .notFound)
  }

  @Test func `newest of several contents is chosen by date`() throws {
    let rows = try [
      row("a", [holder("1", "alice"), holder("3", "carol")], modified: 5), row("b", [holder("2", "bob")], modified: 7),
    ]
    #expect(try choose(rows, newest: true).content == rows[1])
    #expect(try choose(rows, from: "alice", newest: true).content.content == rows[0].content)
    let twins = try [rows[1], row("c", [holder("1", "alice")], modified: 7)]
    #expect(code { () throws(WireFailure) in try choose(twins, newest: true) } == .severalContents)
    #expect(code { () throws(WireFailure) in try choose(rows, more: 1, newest: true) } == .severalContents)
  }

  /// A liar may claim the right root with another size, and even the id of an honest holder.
  @Test func `contents of one root are told apart by size`() throws {
    let alice = try holder("1", "alice")
    let rows = try [row("a", [alice], size: 6), row("a", [alice])]
    let failure = #expect(throws: WireFailure.self) { try choose(rows, from: "alice", prefix: "a") }
    #expect(failure?.code == .severalContents)
    #expect(failure?.message.contains("a11111111111:5") == true)
    #expect(try choose(rows, prefix: "A:5").content == rows[1])
    #expect(try choose(rows, from: "alice", prefix: "a11:6").content == rows[0])
    for prefix in ["a:7", "a:", "a:x", ":"] {
      #expect(code { () throws(WireFailure) in try choose(rows, prefix: prefix) } == .notFound)
    }
  }

  @Test func `contents that were left out count as choices`() throws {
    let rows = try [row("a", [holder("1", "alice")])]
    #expect(code { () throws(WireFailure) in try choose(rows, more: 1) } == .severalContents)
  }

  @Test func `ambiguous peer name is refused with candidates`() throws {
    let rows = try [row("a", [holder("1", "alice"), holder("2", "alice")])]
    #expect(code { () throws(WireFailure) in try choose(rows, from: "alice") } == .ambiguousPeer)
    #expect(try choose(rows, from: "2f").holders.map { $0.peer.hex.first } == ["2"])
  }

  @Test func `own holder is used only without others`() throws {
    let me = Holder(peer: own, name: try PeerName("me"), host: "127.0.0.1", port: 1, complete: true)
    let other = try holder("1", "alice")
    #expect(try choose([row("a", [me, other])]).holders == [other])
    #expect(try choose([row("a", [me])]).holders == [me])
  }
}
