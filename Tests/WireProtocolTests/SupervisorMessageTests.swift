// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import Testing
import WireProtocol

@Suite struct SupervisorMessageTests {
  private func json(_ text: String) throws -> JSONValue {
    try Jansson.decode(Array(text.utf8))
  }

  static let requests: [(String, SupervisorRequest.Operation)] = [
    (#"{"id":1,"op":"hello","protocol":1}"#, .hello(protocol: 1)),
    (#"{"id":1,"op":"status"}"#, .status),
    (#"{"id":1,"op":"start","name":"alice"}"#, .start(name: "alice")),
    (#"{"id":1,"op":"stop"}"#, .stop(name: nil)),
    (#"{"id":1,"op":"restart","name":"index"}"#, .restart(name: "index")),
    (#"{"id":1,"op":"reload"}"#, .reload),
    (#"{"id":1,"op":"wait"}"#, .wait),
  ]

  @Test(arguments: requests)
  func `requests are written and read`(line: String, operation: SupervisorRequest.Operation) throws {
    let request = SupervisorRequest(id: 1, operation)
    #expect(try Jansson.encodeLine(request.json) == Array("\(line)\n".utf8))
    #expect(try SupervisorRequest(json(line)) == request)
  }

  @Test func `every operation is read`() throws {
    #expect(Set(Self.requests.map(\.1.operation)) == Set(SupervisorOperation.allCases))
  }

  @Test(
    arguments: [
      (#"{"op":"status"}"#, nil), (#"{"id":-1,"op":"status"}"#, nil), (#"{"id":9007199254740992,"op":"status"}"#, nil),
      (#"{"id":1.5,"op":"status"}"#, nil), (#"{"id":4}"#, 4), (#"{"id":4,"op":7}"#, 4),
      (#"{"id":4,"op":"start","name":[]}"#, 4), (#"{"id":4,"op":"hello"}"#, 4),
    ] as [(String, Int64?)])
  func `malformed requests are bad requests`(line: String, id: Int64?) throws {
    let value = try json(line)
    let refusal = try #require(throws: SupervisorRequest.Refusal.self) { try SupervisorRequest(value) }
    #expect(refusal.id == id)
    #expect(refusal.failure.code == .badRequest)
  }

  @Test func `unknown operation has its own code`() throws {
    let value = try json(#"{"id":4,"op":"dance"}"#)
    let refusal = try #require(throws: SupervisorRequest.Refusal.self) { try SupervisorRequest(value) }
    #expect(refusal.failure.code == .unknownOperation)
    #expect(refusal.id == 4)
  }

  @Test func `a row is written and read`() throws {
    let row = ProcessStatus(
      name: "alice", role: .peer, pid: 42, state: "ready", responsive: true, restarts: 3, address: "127.0.0.1:4001",
      since: Timestamp(seconds: 0))
    let line =
      #"{"event":"process","name":"alice","role":"peer","pid":42,"state":"ready","responsive":true,"restarts":3,"#
      + #""address":"127.0.0.1:4001","since":"1970-01-01T00:00:00Z"}"#
    #expect(try Jansson.encodeLine(row.json) == Array("\(line)\n".utf8))
    #expect(try ProcessStatus(json(line)) == row)
  }

  @Test func `a process that does not run has no pid`() throws {
    let row = ProcessStatus(
      name: "index", role: .index, pid: nil, state: "parked", responsive: true, restarts: 0, address: "",
      since: Timestamp(seconds: 1), reason: "five exits")
    #expect(row.json["pid"] == .null)
    #expect(
      try ProcessStatus(
        json(
          #"{"event":"process","name":"index","role":"index","pid":null,"state":"parked","responsive":true,"restarts":0,"address":"","since":"1970-01-01T00:00:01Z","reason":"five exits"}"#
        )) == row)
    #expect(throws: WireFailure.self) { try ProcessStatus(json(#"{"event":"process"}"#)) }
  }
}

@Suite struct SupervisorRefusalTests {
  @Test(
    arguments: [
      (#"{"op":"status"}"#, nil, "id is missing"), (#"{"id":4}"#, 4, "op is missing"),
      (#"{"id":4,"op":7}"#, 4, "op is a string"), (#"{"id":4,"op":"start","name":[]}"#, 4, "name is a string"),
      (#"{"id":4,"op":"hello"}"#, 4, "protocol is missing"),
      (#"{"id":4,"op":"dance"}"#, 4, "the operations here are hello, status, start, stop, restart, reload, wait"),
    ] as [(String, Int64?, String)])
  func `a refusal has id and reason`(line: String, id: Int64?, reason: String) throws {
    let value = try Jansson.decode(line.utf8)
    let refusal = try #require(throws: SupervisorRequest.Refusal.self) { try SupervisorRequest(value) }
    #expect(refusal.id == id && refusal.failure.message == reason)
  }

  @Test(
    arguments: [
      (#"{"event":"process"}"#, "name is missing"), (#"{"event":"other"}"#, "event is process"),
      (#"{"event":"process","name":"a","role":"king"}"#, "role is one of index, peer, supervisor"),
      (#"{"event":"process","name":"a","role":"peer","pid":-1}"#, "pid is an integer from 0 to 2147483647"),
    ])
  func `malformed row is refused with its reason`(line: String, reason: String) throws {
    let value = try Jansson.decode(line.utf8)
    #expect(throws: WireFailure.badRequest(reason)) { try ProcessStatus(value) }
  }

  @Test func `null stands for no name`() throws {
    let value = try Jansson.decode(#"{"id":1,"op":"stop","name":null}"#.utf8)
    #expect(try SupervisorRequest(value).operation == .stop(name: nil))
  }
}

@Suite struct SupervisorReplyTests {
  @Test(
    arguments: [
      (
        SupervisorReply.hello, 1,
        #"{"id":1,"status":200,"protocol":1,"server":"p2p-supervisor/0.1.0","role":"supervisor","name":"supervisor","#
          + #""limits":{"line":1048576}}"#
      ),
      (.status(processes: 3), 2, #"{"id":2,"status":200,"processes":3}"#),
      (.done, 3, #"{"id":3,"status":200}"#),
      (
        .reloaded(applied: ["peers.carol"], postponed: []), 3,
        #"{"id":3,"status":200,"applied":["peers.carol"],"postponed":[]}"#
      ),
      (.settled(ready: false), 4, #"{"id":4,"status":200,"ready":false}"#),
      (
        .failure(WireFailure(.notFound, "no process is named bob")), 5,
        #"{"id":5,"status":404,"error":"not-found","message":"no process is named bob"}"#
      ),
      (
        .failure(WireFailure(.tooLarge, "too long", limit: .init("line", 9), retryAfter: 3)), nil,
        #"{"id":null,"status":413,"error":"too-large","message":"too long","limit":"line","value":9,"retry_after":3}"#
      ),
    ] as [(SupervisorReply, Int64?, String)])
  func `replies are written`(reply: SupervisorReply, id: Int64?, line: String) throws {
    #expect(try Jansson.encodeLine(reply.json(id: id)) == Array("\(line)\n".utf8))
  }
}
