// SPDX-License-Identifier: Apache-2.0

import LineJSON
import SupervisorDaemon
import Testing
import WireProtocol

@Suite struct ControlSessionTests {
  private let start = SuspendingClock.now
  private let hello = #"{"id":1,"op":"hello","protocol":1}"# + "\n"

  private func session(_ text: String = "") -> ControlSession {
    var session = ControlSession(now: start)
    session.receive(Array((hello + text).utf8), now: start)
    return session
  }

  private func replies(_ session: inout ControlSession) throws -> [JSONValue] {
    let lines = session.output.split(separator: 0x0A)
    let values = try lines.map { try Jansson.decode($0) }
    session.sent(session.output.count)
    return values
  }

  private func firstReply(_ session: inout ControlSession) -> JSONValue? {
    (try? replies(&session))?.first
  }

  private func requests(_ session: inout ControlSession) -> [SupervisorRequest] {
    var requests: [SupervisorRequest] = []
    while let request = session.nextRequest(now: start) { requests.append(request) }
    return requests
  }

  @Test func `hello is answered and requests come in order`() throws {
    var session = session(#"{"id":2,"op":"status"}"# + "\n" + #"{"id":3,"op":"stop"}"# + "\n")
    #expect(requests(&session) == [SupervisorRequest(id: 2, .status), SupervisorRequest(id: 3, .stop(name: nil))])
    let replies = try replies(&session)
    #expect(replies.count == 1)
    #expect(replies.first?["role"] == "supervisor")
  }

  @Test func `bytes may arrive one by one`() {
    var session = ControlSession(now: start)
    var found: [SupervisorRequest] = []
    for byte in Array((hello + #"{"id":2,"op":"reload"}"# + "\n").utf8) {
      session.receive([byte], now: start)
      found += requests(&session)
    }
    #expect(found == [SupervisorRequest(id: 2, .reload)])
  }

  @Test func `request before hello is refused`() throws {
    for line in [#"{"id":7,"op":"stop"}"#, #"{"id":7,"op":"dance"}"#] {
      var session = ControlSession(now: start)
      session.receive(Array((line + "\n" + hello).utf8), now: start)
      #expect(requests(&session).isEmpty)
      let replies = try replies(&session)
      #expect(replies.map { $0["error"] } == ["hello-required"], "the connection ends")
      #expect(replies.first?["id"] == 7)
    }
  }

  @Test func `other protocol is refused`() throws {
    var session = ControlSession(now: start)
    session.receive(
      Array((#"{"id":7,"op":"hello","protocol":2}"# + "\n" + #"{"id":8,"op":"stop"}"# + "\n").utf8), now: start)
    #expect(requests(&session).isEmpty)
    #expect(try replies(&session).map { $0["error"] } == ["unsupported-protocol", "hello-required"])
  }

  @Test func `invalid line is answered and the next one taken`() throws {
    let nonsense = [
      "nonsense", "[]", "{}", #"{"id":1,"id":2,"op":"status"}"#, #"{"id":3,"op":"dance"}"#, "\u{0}",
      "{\"id\":\"\u{0}\"}",
    ]
    var session = session(nonsense.joined(separator: "\n") + "\n" + #"{"id":9,"op":"wait"}"# + "\n")
    session.receive([0xFF, 0x0A], now: start)
    #expect(requests(&session) == [SupervisorRequest(id: 9, .wait)])
    let replies = try replies(&session).dropFirst()
    #expect(replies.count == nonsense.count + 1)
    #expect(replies.filter { $0["error"] == "bad-request" }.count == nonsense.count)
    #expect(replies.contains { $0["error"] == "unknown-operation" && $0["id"] == 3 })
  }

  @Test(arguments: ["POST / HTTP/1.1\r", "", "{}", #"{"id":1,"op":"dance"}"#, #"{"id":1,"op":"hello"}"#])
  func `invalid line before hello ends the connection`(_ line: String) throws {
    var session = ControlSession(now: start)
    session.receive(Array((line + "\n" + hello + #"{"id":2,"op":"stop"}"# + "\n").utf8), now: start)
    #expect(requests(&session).isEmpty)
    #expect(try replies(&session).count == 1)
    #expect(session.hasWrittenAll)
    session.receive(Array((hello + #"{"id":2,"op":"stop"}"# + "\n").utf8), now: start)
    #expect(requests(&session).isEmpty)
    #expect(session.isOver(now: start.advanced(by: .seconds(1))))
  }

  @Test func `nothing is taken while an answer is pending`() throws {
    var session = session(#"{"id":2,"op":"wait"}"# + "\n" + #"{"id":3,"op":"status"}"# + "\n")
    let next = session.nextRequest(now: start)
    let wait = try #require(next)
    session.await(wait)
    #expect(session.nextRequest(now: start) == nil)
    #expect(!session.wantsInput)
    session.reply(.settled(ready: true), to: wait.id)
    #expect(session.nextRequest(now: start) == SupervisorRequest(id: 3, .status))
  }

  @Test func `front end that does not read is not read`() throws {
    var session = session()
    #expect(session.nextRequest(now: start) == nil)
    while session.wantsInput {
      session.receive(Array((#"{"id":1,"op":"dance"}"# + "\n").utf8), now: start)
      _ = session.nextRequest(now: start)
      try #require(session.output.count < 1 << 20)
    }
    session.sent(session.output.count)
    #expect(session.wantsInput)
  }

  @Test func `line over the limit is answered, then input discarded`() throws {
    var session = session()
    _ = session.nextRequest(now: start)
    session.sent(session.output.count)
    let chunk = [UInt8](repeating: 0x20, count: 65_536)
    for _ in 0..<17 { session.receive(chunk, now: start) }
    #expect(session.nextRequest(now: start) == nil)
    let first = firstReply(&session)
    let reply = try #require(first)
    #expect(reply["error"] == "too-large")
    #expect(reply["limit"] == "line")
    #expect(session.hasWrittenAll)
    #expect(session.wantsInput)
    #expect(!session.isOver(now: start))
    #expect(session.isOver(now: start.advanced(by: .seconds(1))))
    // At most 8 MiB more.
    for _ in 0..<128 { session.receive(chunk, now: start) }
    #expect(session.isOver(now: start))
  }

  @Test func `requests before the end of input are answered`() {
    var session = session(#"{"id":2,"op":"reload"}"# + "\n" + "half a li")
    session.endOfInput()
    #expect(!session.wantsInput)
    #expect(session.nextRequest(now: start) == SupervisorRequest(id: 2, .reload))
    session.reply(.done, to: 2)
    #expect(session.nextRequest(now: start) == nil)
    #expect(!session.isOver(now: start))
    session.sent(session.output.count)
    #expect(session.isOver(now: start))
  }
}
