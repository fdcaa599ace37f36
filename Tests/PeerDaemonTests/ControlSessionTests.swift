// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

@Suite struct ControlSessionTests {
  private let greeting = ControlHelloReply(server: "p2p-peer/0", role: .peer, peer: nil, name: "alice")

  private func session(greeted: Bool = true) -> ControlSession {
    var session = ControlSession(greeting: greeting)
    session.admit()
    if greeted { _ = session.received(Array(#"{"id":1,"op":"hello","protocol":1}"#.utf8)) }
    return session
  }

  /// The `error` of an answer.
  private func error(_ action: ControlSession.Action) -> String? {
    switch action {
    case .answer(let json), .refuse(let json): json["error"]?.string
    case .run: nil
    }
  }

  private func received(_ session: inout ControlSession, _ line: String) -> ControlSession.Action {
    session.received(Array(line.utf8))
  }

  @Test func `hello is answered`() {
    var session = session(greeted: false)
    let answer = received(&session, #"{"id":7,"op":"hello","protocol":1,"extra":[]}"#)
    #expect(answer == .answer(greeting.json(id: 7)))
    #expect(session.state == .ready)
  }

  @Test func `other users are refused`() {
    var session = ControlSession(greeting: greeting)
    let action = received(&session, #"{"id":1,"op":"hello","protocol":1}"#)
    guard case .refuse(let answer) = action else {
      Issue.record("not refused")
      return
    }
    #expect(answer["error"] == "forbidden")
    #expect(answer["id"] == 1)
    #expect(session.state == .unknown)
  }

  @Test func `hello must come first`() throws {
    var session = session(greeted: false)
    let action = received(&session, #"{"id":2,"op":"status"}"#)
    #expect(error(action) == "hello-required")
    #expect(session.state == .greeting)
    // As the written protocol shows it for all planes.
    guard case .refuse(let answer) = action else {
      Issue.record("the connection goes on")
      return
    }
    let shown = try WrittenProtocol(page: "WireProtocol").examples.map(\.line)
    #expect(shown.contains(String(decoding: try Jansson.encodeLine(answer).dropLast(), as: UTF8.self)))
  }

  @Test(arguments: [
    "POST / HTTP/1.1\r", "", "{}", #"{"id":1}"#, #"{"id":1,"op":"dance"}"#, #"{"id":1,"op":"get","key":"RFC 1"}"#,
    #"{"id":1,"op":"hello"}"#,
  ])
  func `invalid line before hello ends the connection`(_ line: String) {
    var session = session(greeted: false)
    guard case .refuse = received(&session, line) else {
      Issue.record("not refused")
      return
    }
    #expect(session.state == .greeting)
  }

  @Test func `malformed line is answered as on other planes`() {
    var session = session(greeted: true)
    guard case .answer(let answer) = received(&session, "nonsense") else {
      Issue.record("not answered")
      return
    }
    #expect(answer["id"] == .null)
    #expect(answer["message"]?.string?.hasPrefix("not a line of JSON: ") == true)
  }

  @Test func `other protocol version is refused`() {
    var session = session(greeted: false)
    #expect(error(received(&session, #"{"id":2,"op":"hello","protocol":2}"#)) == "unsupported-protocol")
    #expect(session.state == .greeting)
  }

  @Test func `one request runs at a time`() {
    var session = session()
    #expect(received(&session, #"{"id":2,"op":"status"}"#) == .run(id: 2, .status))
    #expect(session.state == .running)
    session.finished()
    #expect(received(&session, #"{"id":3,"op":"transfers"}"#) == .run(id: 3, .transfers(ListTransfers())))
  }

  @Test(
    arguments: [
      ("", nil), ("{", nil), ("[]", nil), ("null", nil), ("{}", nil), (#"{"id":-1,"op":"status"}"#, nil),
      (#"{"id":"1","op":"status"}"#, nil), (#"{"id":9007199254740992,"op":"status"}"#, nil),
      (#"{"id":1,"id":1,"op":"status"}"#, nil), (#"{"id":4}"#, 4), (#"{"id":4,"op":5}"#, 4),
      (#"{"id":4,"op":"add","paths":["relative"]}"#, 4), (#"{"id":4,"op":"add","paths":[]}"#, 4),
      (#"{"id":4,"op":"list","limit":0}"#, 4), (#"{"id":4,"op":"connect","address":"nowhere"}"#, 4),
      ("{\"id\":4,\"op\":\"a\\u0000b\"}", nil), (String(repeating: "{\"a\":", count: 40) + "1", nil),
    ] as [(String, Int64?)])
  func `malformed request is answered and the session continues`(_ line: String, _ id: Int64?) {
    var session = session()
    let action = received(&session, line)
    #expect(error(action) == "bad-request")
    if case .answer(let answer) = action { #expect(answer["id"]?.integer == id) }
    #expect(session.state == .ready)
  }

  @Test func `unknown operation and invalid key are named`() {
    var session = session()
    #expect(error(received(&session, #"{"id":4,"op":"format"}"#)) == "unknown-operation")
    #expect(error(received(&session, #"{"id":4,"op":"get","key":"RFC 1","path":"/x"}"#)) == "invalid-key")
    #expect(session.received([0x7B, 0xFF, 0x7D]) != .refuse(.null))
  }
}
