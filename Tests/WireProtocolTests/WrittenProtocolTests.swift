// SPDX-License-Identifier: Apache-2.0

import LineJSON
import TestSupport
import Testing
import WireProtocol

/// The written protocol says what the types do: every line that it shows is read and written again.
@Suite struct WrittenProtocolTests {
  typealias Example = WrittenProtocol.Example

  // MARK: Everything is described

  @Test func describesEveryOperation() throws {
    let pages = [
      ("IndexPlane", IndexOperation.allCases.map(\.rawValue)), ("PeerPlane", PeerOperation.allCases.map(\.rawValue)),
      ("ControlPlane", ControlOperation.allCases.map(\.rawValue)),
      ("SupervisorPlane", SupervisorOperation.allCases.map(\.rawValue)),
    ]
    for (name, operations) in pages {
      let page = try WrittenProtocol(page: name)
      for operation in operations { #expect(page.describes(operation), "\(name) does not describe \(operation)") }
      let shown = try Set(page.examples.filter(\.isRequest).compactMap { try Jansson.decode($0.bytes)["op"]?.string })
      #expect(Set(operations).isSubset(of: shown), "\(name) shows no \(Set(operations).subtracting(shown))")
    }
  }

  @Test func describesEveryErrorCode() throws {
    let page = try WrittenProtocol(page: "WireProtocol")
    for code in ErrorCode.allCases {
      let row = page.row(code.rawValue) ?? []
      #expect(row.dropFirst().first == "\(code.status)", "\(code.rawValue)")
    }
  }

  @Test func describesEveryLimit() throws {
    let limits = [("IndexPlane", IndexLimits().named), ("PeerPlane", PeerLimits().named)]
    for (name, limits) in limits {
      let page = try WrittenProtocol(page: name)
      for (limit, value) in limits {
        let row = page.row("\(limit)") ?? []
        #expect(row.dropFirst().first == "\(value)", "\(name): \(limit)")
      }
    }
  }

  // MARK: Every example is true

  @Test(arguments: ["WireProtocol", "IndexPlane", "PeerPlane", "ControlPlane", "SupervisorPlane"])
  func showsLinesThatBothReadersTake(name: String) throws {
    let examples = try WrittenProtocol(page: name).examples
    #expect(!examples.isEmpty)
    var refused = [String]()
    for example in examples {
      do {
        try read(example.line) { _ in }
        #expect(
          String(decoding: try Jansson.encodeLine(Jansson.decode(example.bytes)), as: UTF8.self) == example.line + "\n")
      } catch let error as JSONSyntaxError {
        refused.append("this is no line of JSON: \(error)")
      }
    }
    // One line is bad on purpose, and the answer that is shown is the one that it gets.
    #expect(refused.isEmpty || (refused.count == 1 && examples.contains { $0.line.contains(refused[0]) }), "\(refused)")
  }

  @Test(arguments: ["WireProtocol", "IndexPlane", "PeerPlane", "ControlPlane", "SupervisorPlane"])
  func showsFailuresAsTheyAreWritten(name: String) throws {
    for example in try WrittenProtocol(page: name).examples where example.line.contains(#""error":"#) {
      // A success may tell of something that failed.
      guard !example.line.contains(#""status":200"#) else { continue }
      guard example.line.contains(#""paths":"#) == false, try details(example).isEmpty else { continue }
      let written = try read(example.line) { object in
        let failure = try #require(try WireFailure(reply: object))
        return line { failure.write(id: try? object.requestID(), to: &$0) }
      }
      #expect(written == example.line)
    }
  }

  private func details(_ example: Example) throws -> [JSONValue] {
    let json = try Jansson.decode(example.bytes)
    return [json["choices"], json["peers"]].compactMap { $0 }
  }

  @Test func showsTheIndexPlaneAsItIs() throws {
    var operations: [Int64: IndexOperation] = [:]
    for example in try WrittenProtocol(page: "IndexPlane").examples {
      try read(example.line) { object in
        if example.isRequest {
          let (id, request) = (try object.requestID(), try IndexRequest(object, batchLimit: 1000))
          operations[id] = request.operation
          #expect(line { request.write(id: id, to: &$0) } == example.line)
        } else if try WireFailure(reply: object) == nil {
          try checkIndexReply(object, to: operations[object.requestID()], example)
        }
      }
    }
  }

  private func checkIndexReply(_ object: JSONObject, to operation: IndexOperation?, _ example: Example) throws {
    switch operation {
    case .hello: #expect(try IndexHelloReply(reply: object).host == "192.0.2.7")
    case .add: #expect(try object.integer("added", in: 0...1) == 1)
    case .remove: #expect(try object.integer("removed", in: 0...1) == 1)
    case .lookup:
      let reply = try LookupReply(reply: object)
      #expect(example.line.contains(rows(reply.contents)))
    case .list:
      let reply = try ListReply(reply: object)
      #expect(example.line.contains(rows(reply.documents.map(\.entry)).dropFirst(2)))
    case .peers: #expect(try PeersReply(reply: object).peers.count == 1)
    case .stats: #expect(try object.integer("records", in: 0...Int64(Int32.max)) == 120_000)
    case .ping: #expect(object.count == 2)
    case nil: Issue.record("\(example) answers no request")
    }
  }

  /// Rows as the index writes them; the members of a list's row stand in another order before its holders.
  private func rows(_ rows: [ContentRow]) -> String {
    guard let row = rows.first else { return "[]" }
    return String(
      line {
        $0.key("total")
        $0.integer(row.total)
        $0.key("holders")
        $0.beginArray()
        for holder in row.holders { holder.write(to: &$0) }
        $0.endArray()
        $0.endLine()
      })
  }

  @Test func showsThePeerPlaneAsItIs() throws {
    var operations: [Int64: PeerOperation] = [:]
    for example in try WrittenProtocol(page: "PeerPlane").examples {
      try read(example.line) { object in
        if example.isRequest {
          let (id, request) = (try object.requestID(), try PeerRequest(object))
          operations[id] = request.operation
          #expect(line { request.write(id: id, to: &$0) } == example.line)
        } else if try WireFailure(reply: object) == nil {
          switch operations[try object.requestID()] {
          case .hello: #expect(try PeerHelloReply(reply: object).get == 4_194_304)
          case .have: #expect(try HaveReply(reply: object).piece == 262_144)
          case .hashes: #expect(try HashesReply(reply: object, expected: 16).count == 16)
          case .get: #expect(try GetReply(reply: object).length == 177_957)
          case nil: Issue.record("\(example) answers no request")
          }
        }
      }
    }
  }

  // MARK: The planes of jansson

  @Test func showsTheControlPlaneAsItIs() throws {
    var operations: [Int64: ControlRequest] = [:]
    for example in try WrittenProtocol(page: "ControlPlane").examples {
      let json = try Jansson.decode(example.bytes)
      if example.isRequest {
        let (id, request) = (try #require(ControlRequest.id(of: json)), try ControlRequest(json))
        operations[id] = request
        #expect(isRestated(json, by: request.json(id: id)))
      } else if let event = try ControlEvent(json) {
        #expect(event.json == json)
      } else {
        switch try #require(try ControlOutcome(json)) {
        case .failure(let id, let failure): #expect(failure.reply(to: id) == json)
        case .success(let id, _): #expect(try controlReply(json, to: operations[id], id: id) == json)
        }
      }
    }
  }

  /// A request may leave out what is usual; written again it says it.
  private func isRestated(_ json: JSONValue, by written: JSONValue) -> Bool {
    json.object?.allSatisfy { written[$0.key] == $0.value } ?? false
  }

  private func controlReply(_ json: JSONValue, to request: ControlRequest?, id: Int64) throws -> JSONValue? {
    switch request {
    case .hello: try ControlHelloReply(json).reply(to: id)
    case .add: try ControlAddReply(json).reply(to: id)
    case .lookup: try ControlLookupReply(json).reply(to: id)
    case .list: try ControlListReply(json).reply(to: id)
    case .get: try ControlGetReply(json).reply(to: id)
    case .remove: try ControlRemoveReply(json).reply(to: id)
    case .status: try ControlStatusReply(json).reply(to: id)
    case .peers: try ControlPeersReply(json).reply(to: id)
    case .transfers: try ControlTransfersReply(json).reply(to: id)
    case .connect: try ControlConnectReply(json).reply(to: id)
    case .doctor: try ControlDoctorReply(json).reply(to: id)
    case nil: nil
    }
  }

  @Test func showsTheSupervisorsPlanesAsTheyAre() throws {
    var operations: [Int64: SupervisorRequest.Operation] = [:]
    var role = ProcessRole.index
    for example in try WrittenProtocol(page: "SupervisorPlane").examples {
      let json = try Jansson.decode(example.bytes)
      switch (example.isRequest, json["id"]?.integer, json["channel"]) {
      case (true, let id?, _):
        let request = try SupervisorRequest(json)
        operations[id] = request.operation
        #expect(request.json == json)
      case (true, nil, .some):
        let start = try ChannelStart(json)
        role = start.role
        #expect(start.json == json)
      case (true, nil, nil):
        // The command in the examples is one to an index.
        #expect(role == .peer)
        #expect(try ChannelCommand(json, role: .index).json == json)
      case (false, let id?, _): #expect(supervisorReply(json, to: operations[id], id: id) == json)
      case (false, nil, _):
        let event = json["event"] == "process" ? try ProcessStatus(json).json : try ChannelEvent(json).json
        #expect(event == json)
      }
    }
  }

  private func supervisorReply(
    _ json: JSONValue, to operation: SupervisorRequest.Operation?, id: Int64
  ) -> JSONValue? {
    if json["error"] != nil { return json }
    return switch operation {
    case .hello: SupervisorReply.hello.json(id: id)
    case .status: SupervisorReply.status(processes: 2).json(id: id)
    case .reload:
      SupervisorReply.reloaded(
        applied: (json["applied"]?.array ?? []).compactMap(\.string),
        postponed: (json["postponed"]?.array ?? []).compactMap(\.string)
      ).json(id: id)
    case .start, .stop, .restart: SupervisorReply.done.json(id: id)
    case .wait: SupervisorReply.settled(ready: true).json(id: id)
    case nil: nil
    }
  }
}
