// SPDX-License-Identifier: Apache-2.0

import IndexServer
import LineJSON
import Testing
import WireProtocol

/// Look-ups of certain contents under a key, and of certain holders.
@Suite struct SelectedLookupTests {
  private func lookup(_ more: String) -> String { #"{"id":3,"op":"lookup","key":"file/a"\#(more)}"# }

  /// A content of alice under many of somebody else's.
  private func crowded() throws -> EmbeddedConnection {
    let service = IndexService()
    let alice = try EmbeddedConnection(service)
    try alice.send(Wire.hello())
    try alice.send(Wire.add(Wire.document("file/a", content: 0xFFF)))
    let mallory = try EmbeddedConnection(service)
    try mallory.send(Wire.hello(peer: Wire.bob, name: "bob"))
    for start in stride(from: 0, to: 3000, by: 1000) {
      try mallory.send(Wire.add((start..<start + 1000).map { Wire.document("file/a", content: $0) }))
    }
    return alice
  }

  @Test func `content is found by its first digits however many there are under the key`() throws {
    let connection = try crowded()
    #expect(try connection.ask(lookup("")).rows("contents").count == 16)
    let root = Wire.root(0xFFF)
    let found = try connection.ask(lookup(#","content":"\#(root)""#))
    #expect(found.rows("contents").map { $0["content"] } == [.string(root)] && found["more"] == 0)
    #expect(try connection.ask(lookup(#","content":"\#(root)","size":11"#)).outcome == "404 not-found")
    #expect(try connection.ask(lookup(#","content":"\#(root)","size":10"#)).outcome == "200")
    let many = try connection.ask(lookup(#","content":"0000""#))
    #expect(many.rows("contents").count == 16 && many["more"] == 2985)
  }

  @Test func `holder is found by the first digits of its id however many contents there are`() throws {
    let connection = try crowded()
    for digits in [8, 64] {
      let found = try connection.ask(lookup(#","peer":"\#(Wire.alice.prefix(digits))""#))
      #expect(found.rows("contents").count == 1 && found["more"] == 0)
      #expect(found.holders.map { $0["name"] } == ["alice"])
    }
    let other = try connection.ask(lookup(#","peer":"\#(Wire.bob.prefix(8))""#))
    #expect(other.rows("contents").count == 16 && other["more"] == 2984)
    #expect(try connection.ask(lookup(#","peer":"cccccccc""#)).outcome == "404 not-found")
  }

  @Test(
    arguments: [
      #","peer":"aaaaaaa""#, #","peer":"AAAAAAAA""#, #","peer":7"#, #","content":"000""#, #","content":"xxxx""#,
      #","content":"0000","size":-1"#, #","content":"\#(String(repeating: "0", count: 65))""#,
    ])
  func `prefix that is too short or not in lower-case hex digits is refused`(more: String) throws {
    #expect(try crowded().ask(lookup(more)).outcome == "400 bad-request")
  }
}
