// SPDX-License-Identifier: Apache-2.0

import LineJSON
import TestSupport
import Testing
import WireProtocol

/// The types read and write every example of the written protocol.
@Suite struct WrittenProtocolTests {
  typealias Example = WrittenProtocol.Example

  // MARK: Everything is described

  @Test func `every operation is described and shown`() throws {
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

  @Test func `every error code is described`() throws {
    let page = try WrittenProtocol(page: "WireProtocol")
    for code in ErrorCode.allCases {
      let row = page.row(code.rawValue) ?? []
      #expect(row.dropFirst().first == "\(code.status)", "\(code.rawValue)")
    }
  }

  @Test func `every limit is described`() throws {
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
  func `both readers take every example`(name: String) throws {
    let examples = try WrittenProtocol(page: name).examples
    #expect(!examples.isEmpty)
    var refused = [String]()
    for example in examples {
      do {
        try read(example.line) { _ in }
        #expect(
          String(decoding: try Jansson.encodeLine(Jansson.decode(example.bytes)), as: UTF8.self) == example.line + "\n")
      } catch let error as JSONSyntaxError {
        refused.append("not a line of JSON: \(error)")
      }
    }
    // One line is malformed on purpose; the page shows the reply to it.
    #expect(refused.isEmpty || (refused.count == 1 && examples.contains { $0.line.contains(refused[0]) }), "\(refused)")
  }

  @Test(arguments: ["WireProtocol", "IndexPlane", "PeerPlane", "ControlPlane", "SupervisorPlane"])
  func `failures are shown as they are written`(name: String) throws {
    for example in try WrittenProtocol(page: name).examples where example.line.contains(#""error":"#) {
      // A success or an event may report an error.
      guard !example.line.contains(#""status":200"#), !example.line.contains(#""event":"#) else { continue }
      let written = try read(example.line) { object in
        let failure = try #require(try WireFailure(reply: object))
        return line { failure.write(id: try? object.requestID(), to: &$0) }
      }
      #expect(written == example.line)
    }
  }

  @Test func `examples of the index plane are read and written`() throws {
    var operations: [Int64: IndexOperation] = [:]
    for example in try WrittenProtocol(page: "IndexPlane").examples {
      try read(example.line) { object in
        if example.isRequest {
          let (id, request) = (try object.requestID(), try IndexRequest(object, batchLimit: 1000))
          operations[id] = request.operation
          #expect(line { request.write(id: id, to: &$0) } == example.line)
        } else if let event = try WatchEvent.read(object) {
          #expect(line { event.writeLine(to: &$0) } == example.line)
        } else if try WireFailure(reply: object) == nil {
          try checkIndexReply(object, to: operations[object.requestID()], example)
        }
      }
    }
  }

  private func written(_ reply: some WireReply, _ object: JSONObject) throws -> String {
    let id = try object.requestID()
    return line { reply.write(id: id, to: &$0) }
  }

  private func checkIndexReply(_ object: JSONObject, to operation: IndexOperation?, _ example: Example) throws {
    switch operation {
    case .hello: #expect(["192.0.2.7", "127.0.0.1"].contains(try IndexHelloReply(object).host))
    case .add: #expect(try written(AddReply(object), object) == example.line)
    case .remove: #expect(try object.integer("removed", in: 0...1) == 1)
    case .lookup: #expect(try written(LookupReply(object), object) == example.line)
    case .list: #expect(try written(ListReply(object), object) == example.line)
    case .peers: #expect(try written(PeersReply(object), object) == example.line)
    case .stats: #expect(try object.integer("records", in: 0...Int64(Int32.max)) == 120_000)
    case .ping: #expect(try written(PingReply(object), object) == example.line)
    case .unwatch: #expect(object.count == 2)
    case .watch: #expect(try written(WatchReply(object), object) == example.line)
    case .join: #expect(try written(JoinReply(object), object) == example.line)
    case .claim: #expect(try written(ClaimsReply(object), object) == example.line)
    case .invite:
      let reply = try InviteReply(object)
      #expect(try written(reply, object) == example.line)
      #expect(try Ticket(reply.ticket).expires == reply.expires)
    case .members: #expect(try written(MembersReply(object), object) == example.line)
    case .revoke, .ban, .unban: #expect(try written(AffectedReply(object), object) == example.line)
    case .bans: #expect(try written(BansReply(object), object) == example.line)
    case .log: #expect(try written(LogReply(object), object) == example.line)
    case .limits: #expect(try written(LimitsReply(object), object) == example.line)
    case nil: Issue.record("\(example) answers no request")
    }
  }

  @Test func `examples of the peer plane are read and written`() throws {
    var operations: [Int64: PeerOperation] = [:]
    for example in try WrittenProtocol(page: "PeerPlane").examples {
      try read(example.line) { object in
        if example.isRequest {
          let (id, request) = (try object.requestID(), try PeerRequest(object))
          operations[id] = request.operation
          #expect(line { request.write(id: id, to: &$0) } == example.line)
        } else if let event = try HaveEvent.read(object) {
          #expect(line { event.writeLine(to: &$0) } == example.line)
        } else if try WireFailure(reply: object) == nil {
          switch operations[try object.requestID()] {
          case .hello: #expect(try PeerHelloReply(object).limits.get == 4_194_304)
          case .have: #expect(try written(HaveReply(object), object) == example.line)
          case .hashes: #expect(try written(HashesReply(object, expected: 16), object) == example.line)
          case .get: #expect(try written(GetReply(object), object) == example.line)
          case .pass: #expect(object.count == 2)
          case nil: Issue.record("\(example) answers no request")
          }
        }
      }
    }
  }

  // MARK: The planes of jansson

  @Test func `examples of the control plane are read and written`() throws {
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
        case .failure(let id, let failure): #expect(failure.json(id: id) == json)
        case .success(let id, _): #expect(try controlReply(json, to: operations[id], id: id) == json)
        }
      }
    }
  }

  /// A request may omit defaults, which are then written.
  private func isRestated(_ json: JSONValue, by written: JSONValue) -> Bool {
    json.object?.allSatisfy { written[$0.key] == $0.value } ?? false
  }

  private func controlReply(_ json: JSONValue, to request: ControlRequest?, id: Int64) throws -> JSONValue? {
    switch request {
    case .hello: try ControlHelloReply(json).json(id: id)
    case .add: try ControlAddReply(json).json(id: id)
    case .lookup: try LookupReply(json).json(id: id)
    case .list: try ControlListReply(json).json(id: id)
    case .get: try ControlGetReply(json).json(id: id)
    case .getAll: try ControlGetAllReply(json).json(id: id)
    case .remove: try ControlRemoveReply(json).json(id: id)
    case .status: try ControlStatusReply(json).json(id: id)
    case .stats: try StatsReply(json).json(id: id)
    case .peers: try ControlPeersReply(json).json(id: id)
    case .transfers: try ControlTransfersReply(json).json(id: id)
    case .pause, .resume, .cancel: try ControlDownloadsReply(json).json(id: id)
    case .limit: try ControlLimitReply(json).json(id: id)
    case .watch: try ControlWatchReply(json).json(id: id)
    case .connect: try ControlConnectReply(json).json(id: id)
    case .doctor: try ControlDoctorReply(json).json(id: id)
    case .join: try ControlJoinReply(json).json(id: id)
    case .network(.members): try MembersReply(json).json(id: id)
    case .network, nil: nil
    }
  }

  @Test func `examples of the supervisor's planes are read and written`() throws {
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
        // The settings in the examples are those of an index.
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
