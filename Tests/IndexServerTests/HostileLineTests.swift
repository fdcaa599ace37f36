// SPDX-License-Identifier: Apache-2.0

import IndexServer
import LineJSON
import NIOCore
import Testing
import WireProtocol

/// Lines that nobody should send.
@Suite struct HostileLineTests {
  private func session() throws -> EmbeddedConnection {
    let connection = try EmbeddedConnection(IndexService())
    try connection.send(Wire.hello())
    return connection
  }

  static let unreadable: [String] = [
    "", " ", "x", "[]", "7", "null", #""text""#, "{", #"{"id":1,"op":"ping""#, #"{"id":1,"op":"ping"}x"#,
    #"{"id":1,"op":"ping"}{}"#, #"{"id":1,"id":2,"op":"ping"}"#, #"{"id":1,"op":"ping","a":{"b":1,"b":2}}"#,
    #"{"id":1,"op":"ping","a":"\u0000"}"#, #"{"id":1,"op":"ping","\u0000":1}"#, #"{"id":1,"op":"ping","a":"\ud800"}"#,
    #"{"id":1,"op":"ping","a":01}"#, #"{'id':1}"#, #"{"id":1,"op":"ping",}"#,
    #"{"id":1,"op":"ping","a":\#(String(repeating: "[", count: 32))\#(String(repeating: "]", count: 32))}"#,
    String(repeating: "[", count: 100_000), #"{"a":"# + String(repeating: #"{"a":"#, count: 50_000),
    #"{"id":99999999999999999999,"op":"ping"}"#, "{\"id\":1,\"op\":\"ping\",\"a\":\"\u{1}\"}",
    "GET / HTTP/1.1\r",
  ]

  @Test(arguments: unreadable)
  func `unreadable line is answered without an id and the connection goes on`(line: String) throws {
    let connection = try session()
    let reply = try connection.ask(line)
    #expect(reply.outcome == "400 bad-request")
    #expect(reply["id"] == .null)
    #expect(try connection.ask(#"{"id":2,"op":"ping"}"#) == ["id": 2, "status": 200])
  }

  @Test(
    arguments: [
      #"{"op":"ping"}"#, #"{"id":-1,"op":"ping"}"#, #"{"id":9007199254740992,"op":"ping"}"#, #"{"id":1.0,"op":"ping"}"#,
      #"{"id":"1","op":"ping"}"#, #"{"id":null,"op":"ping"}"#, #"{"id":true,"op":"ping"}"#, "{}",
    ])
  func `invalid id is refused`(line: String) throws {
    let reply = try session().ask(line)
    #expect(reply.outcome == "400 bad-request" && reply["id"] == .null)
  }

  @Test(
    arguments: [
      #"{"id":5}"#, #"{"id":5,"op":7}"#, #"{"id":5,"op":"lookup"}"#, #"{"id":5,"op":"lookup","key":[]}"#,
      #"{"id":5,"op":"lookup","key":"rfc/../1"}"#, #"{"id":5,"op":"lookup","key":"A/b"}"#,
      #"{"id":5,"op":"lookup","key":"file/e\u0301"}"#, #"{"id":5,"op":"list","limit":0}"#,
      #"{"id":5,"op":"list","limit":1.5}"#, #"{"id":5,"op":"list","words":7}"#, #"{"id":5,"op":"add"}"#,
      #"{"id":5,"op":"add","documents":[{}]}"#, #"{"id":5,"op":"add","documents":[[]]}"#,
      #"{"id":5,"op":"remove","documents":{}}"#, #"{"id":5,"op":"peers","limit":-1}"#,
      Wire.add(Wire.document("file/a", "\\u202e"), id: 5), Wire.add(Wire.document("file/a", "\\n"), id: 5),
      Wire.add(Wire.document("file/a", size: -1), id: 5), Wire.add(Wire.document("file/a", size: 0), id: 5),
      Wire.add(Wire.document("file/a", String(repeating: "t", count: 513)), id: 5),
    ])
  func `wrong field is refused under its id`(line: String) throws {
    let reply = try session().ask(line)
    #expect(reply.outcome == "400 bad-request")
    #expect(reply["id"] == 5)
    #expect(reply["message"]?.string?.isEmpty == false)
  }

  @Test func `invalid UTF-8 is refused and the connection goes on`() throws {
    let connection = try session()
    for bad in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] as [[UInt8]] {
      let line = Array(#"{"id":1,"op":"ping","a":""#.utf8) + bad + Array("\"}\n".utf8)
      #expect(try connection.send(bytes: line).map(\.outcome) == ["400 bad-request"])
    }
    let nul = Array(#"{"id":1,"op":"ping"}"#.utf8) + [0, 0x0A]
    #expect(try connection.send(bytes: nul).map(\.outcome) == ["400 bad-request"])
    #expect(try connection.ask(#"{"id":2,"op":"ping"}"#).outcome == "200")
  }

  @Test func `unknown fields are ignored`() throws {
    let line = #"{"future":{"a":[1,2.5,null]},"id":2,"op":"ping","hosts":[],"session":"x","resume":true}"#
    #expect(try session().ask(line) == ["id": 2, "status": 200])
  }

  @Test func `line that is too long is answered and ends the connection`() throws {
    var limits = IndexLimits()
    limits.line = 200
    let connection = try EmbeddedConnection(IndexService(limits: limits))
    try connection.send(Wire.hello())
    let replies = try connection.send(#"{"id":2,"op":"ping"}"# + "\n" + String(repeating: "x", count: 201))
    #expect(replies.map(\.outcome) == ["200", "413 too-large"])
    #expect(replies.last?["id"] == .null && replies.last?["limit"] == "line" && replies.last?["value"] == 200)
    #expect(try connection.send(#"{"id":3,"op":"ping"}"#).isEmpty)
    connection.pass(.seconds(1))
    #expect(!connection.isOpen)
  }

  @Test func `requests may arrive byte by byte`() throws {
    let conversation = [
      Wire.hello(), Wire.add(Wire.document("rfc/1")), "x", Wire.lookup("rfc/1"), Wire.lookup("rfc/2"),
    ]
    .map { $0 + "\n" }.joined()
    let whole = try EmbeddedConnection(IndexService()).send(raw: conversation)
    let slow = try EmbeddedConnection(IndexService())
    var replies = [JSONValue]()
    for byte in conversation.utf8 {
      replies += try slow.send(bytes: [byte])
    }
    #expect(replies == whole)
    #expect(whole.map(\.outcome) == ["200", "200", "400 bad-request", "200", "404 not-found"])
  }
}
