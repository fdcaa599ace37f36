// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import Testing
import WireProtocol

/// The lines of the control plane that are more than one message: requests, events and outcomes.
@Suite struct ControlMessageTests {
  private func reread(_ json: JSONValue) throws -> JSONValue {
    try Jansson.decode(try Jansson.encodeLine(json))
  }

  // MARK: Requests

  @Test(arguments: [
    (#"{"id":1,"op":"dance"}"#, ErrorCode.unknownOperation, "there is no operation \"dance\" on the control socket"),
    (#"{"id":1}"#, .badRequest, "op is missing"),
    (#"{"id":1,"op":5}"#, .badRequest, "op is a string"),
    (#"{"id":1,"op":"hello"}"#, .badRequest, "protocol is missing"),
    (#"{"id":1,"op":"lookup"}"#, .badRequest, "key is missing"),
    (#"{"id":1,"op":"get","key":"rfc/1","path":"x"}"#, .badRequest, "one of path and directory is an absolute path"),
    (
      #"{"id":1,"op":"get","key":"rfc/1","path":"/x","directory":"/"}"#, .badRequest,
      "one of path and directory is an absolute path"
    ),
    (#"{"id":1,"op":"add"}"#, .badRequest, "paths is missing"),
    (#"{"id":1,"op":"add","paths":["relative"]}"#, .badRequest, "paths are absolute paths"),
    (#"{"id":1,"op":"add","paths":[]}"#, .badRequest, "paths names at least one file"),
    (#"{"id":1,"op":"add","paths":"/x"}"#, .badRequest, "paths is an array"),
    (#"{"id":1,"op":"add","paths":[1]}"#, .badRequest, "paths is an array of strings"),
    (#"{"id":1,"op":"list","collection":"RFC"}"#, .badRequest, "collection is 1 to 32 of a-z, 0-9 and -"),
    (#"{"id":1,"op":"list","limit":0}"#, .badRequest, "limit is an integer from 1 to 9007199254740991"),
    (
      #"{"id":1,"op":"peers","limit":9223372036854775807}"#, .badRequest,
      "limit is an integer from 1 to 9007199254740991"
    ),
    (#"{"id":1,"op":"pause"}"#, .badRequest, "one of job, key and all selects downloads"),
    (#"{"id":1,"op":"cancel","job":1,"all":true}"#, .badRequest, "one of job, key and all selects downloads"),
    (#"{"id":1,"op":"resume","job":-1}"#, .badRequest, "job is an integer from 0 to 9007199254740991"),
    (#"{"id":1,"op":"limit","down":-1}"#, .badRequest, "down is an integer from 0 to 9007199254740991"),
    (#"{"id":1,"op":"limit","slots":0}"#, .badRequest, "slots is an integer from 1 to 1000"),
    (#"{"id":1,"op":"limit","between":"08:00-18:00"}"#, .badRequest, "between goes with down or up"),
    (
      #"{"id":1,"op":"limit","up":1,"between":"8"}"#, .badRequest,
      "between: expected a part of the day, such as 08:00-18:00"
    ),
    (
      #"{"id":1,"op":"get","key":"rfc/1","path":"/x","detach":true,"wait":true}"#, .badRequest,
      "detach goes neither with wait nor with stream"
    ),
    (
      #"{"id":1,"op":"get-all","prefix":"a/","directory":"/x","detach":true,"wait":true}"#, .badRequest,
      "detach does not go with wait"
    ),
    (
      #"{"id":1,"op":"get-all","keys":["rfc/1"],"directory":"/x","detach":true}"#, .badRequest,
      "detach goes with a prefix; for several keys, get each"
    ),
    (#"{"id":1,"op":"connect"}"#, .badRequest, "address is missing"),
    (#"{"id":1,"op":"connect","default":false}"#, .badRequest, "address is missing"),
    (#"{"id":1,"op":"connect","default":"no"}"#, .badRequest, "default is true or false"),
  ])
  func `wrong request is refused with code and message`(line: String, code: ErrorCode, message: String) throws {
    let json = try Jansson.decode(line.utf8)
    let failure = try #require(throws: WireFailure.self) { try ControlRequest(json) }
    #expect(failure == WireFailure(code, message))
  }

  @Test(arguments: ["lookup", "get", "remove"])
  func `wrong key is not the fault of the program`(operation: String) throws {
    for key in ["rfc/007", "../x", ""] {
      let json = try Jansson.decode(#"{"op":"\#(operation)","key":"\#(key)","path":"/x"}"#.utf8)
      #expect(try #require(throws: WireFailure.self) { try ControlRequest(json) }.code == .invalidKey)
    }
  }

  @Test func `connect without an address asks for the default`() throws {
    let request = ControlRequest.connect(nil)
    #expect(try line(request.json(id: 1)) == #"{"id":1,"op":"connect","default":true}"#)
    #expect(try ControlRequest(reread(request.json(id: 1))) == request)
    #expect(try ControlRequest(Jansson.decode(#"{"op":"connect","default":true,"address":"h:1"}"#.utf8)) == request)
  }

  @Test func `missing options have their usual values`() throws {
    let get = try ControlRequest(Jansson.decode(#"{"op":"get","key":"rfc/1","path":"/x"}"#.utf8))
    #expect(get == .get(GetDocument(key: DocumentKey(rfc: 1), target: .path("/x"))))
    let add = try ControlRequest(Jansson.decode(#"{"op":"add","paths":["/x"],"title":null}"#.utf8))
    #expect(add == .add(AddFiles(paths: ["/x"])))
    #expect(try ControlRequest(Jansson.decode(#"{"op":"list"}"#.utf8)) == .list(ListDocuments()))
  }

  @Test func `id is read even if the request cannot be`() throws {
    #expect(ControlRequest.id(of: try Jansson.decode(#"{"id":3,"op":[]}"#.utf8)) == 3)
    #expect(ControlRequest.id(of: try Jansson.decode(#"{"id":-3,"op":"status"}"#.utf8)) == nil)
    #expect(ControlRequest.id(of: try Jansson.decode(#"{"id":"3"}"#.utf8)) == nil)
    #expect(ControlRequest.id(of: []) == nil)
  }

  // MARK: Events

  @Test func `every event is read as it was written`() throws {
    let sample = try ControlSample()
    let listing = DocumentListing(document: sample.document, total: 1, holders: [sample.holder])
    let events: [ControlEvent] = [
      .hashing(HashingProgress(path: "/a", done: 1, total: 2, file: 1, files: 3)),
      .added(sample.document, path: "/a"),
      .failed(PathProblem(path: "/b", message: "Permission denied")),
      .document(listing),
      .level(LevelListing(prefix: "data/cats/", documents: 7)),
      .document(listing, file: OwnFile(path: "/a", state: .withdrawn)),
      .job(DownloadJob(job: 7, waiter: 3, path: "/a")),
      .progress(DownloadProgress(received: 1, size: 2, peer: "alice")),
      .bytes(count: 1 << 20),
      .progress(DownloadProgress(received: 0, size: 2, state: "waiting", error: "nobody")),
      .peer(PeerListing(peer: sample.id, name: sample.name, host: "::1", port: 5, documents: 4)),
      .transfer(
        RunningTransfer(
          id: 3, direction: .upload, key: nil, content: sample.content, received: 1,
          sources: [.init(name: "bob", id: sample.id, host: "::1", rate: 4, bytes: 1)])),
      .transfer(sample.tree), .transfer(sample.mapped),
    ]
    for event in events {
      let line = try reread(event.json)
      #expect(try ControlEvent(line) == event)
      #expect(try ControlOutcome(line) == nil)
    }
  }

  @Test func `tree has a prefix as its key and no content`() throws {
    let sample = try ControlSample()
    let json = sample.tree.json
    #expect(json["key"]?.string == "data/cats/" && json["content"] == nil && json["size"]?.integer == 9)
    let row = try RunningTransfer(json)
    #expect(row.key == nil && row.name == "data/cats/" && row.content == nil && row.pieces == 300)
    var members = json.object ?? [:]
    members["size"] = nil
    #expect(try RunningTransfer(.object(members)).size == nil)
    members["key"] = "data/cats"
    #expect(throws: WireFailure.badRequest("content is missing")) { try RunningTransfer(.object(members)) }
  }

  @Test(arguments: ["oA", "oA==oA==", "////", "x", ""])
  func `map has a bit for each piece`(map: String) throws {
    var members = try ControlSample().mapped.members
    members["map"] = .string(map)
    #expect(throws: WireFailure.badRequest("map is the base64 of a bit for each piece")) {
      try RunningTransfer(.object(members))
    }
  }

  @Test func `event of a later version is known as such`() throws {
    #expect(try ControlEvent(try Jansson.decode(#"{"event":"sparkle","x":1}"#.utf8)) == .unknown("sparkle"))
    #expect(try ControlEvent(try Jansson.decode(#"{"id":1,"status":200}"#.utf8)) == nil)
    #expect(try OwnFile(Jansson.decode(#"{"path":"/a","state":"asleep"}"#.utf8)).state == nil)
  }

  // MARK: Outcomes

  @Test func `failure carries what helps`() throws {
    let sample = try ControlSample()
    let failure = WireFailure(
      .severalContents, "two", limit: WireFailure.Limit("line", 5), retryAfter: 3,
      paths: [PathProblem(path: "/x", message: "gone")], choices: [sample.listing],
      peers: [NamedPeer(peer: sample.id, name: sample.name)])
    #expect(try ControlOutcome(try reread(failure.json(id: 4))) == .failure(id: 4, failure))
    #expect(try ControlOutcome(try reread(failure.json(id: nil))) == .failure(id: nil, failure))
  }

  @Test func `success needs an id, and keeps all its members`() throws {
    let line = try Jansson.decode(#"{"id":1,"status":200,"removed":1,"why":{"deep":[1]}}"#.utf8)
    #expect(try ControlOutcome(line) == .success(id: 1, line))
    #expect(throws: WireFailure.badRequest("id is missing")) {
      try ControlOutcome(try Jansson.decode(#"{"id":null,"status":200}"#.utf8))
    }
    #expect(throws: WireFailure.badRequest("status is missing")) {
      try ControlOutcome(try Jansson.decode(#"{"id":1}"#.utf8))
    }
  }

  // MARK: Bounds

  @Test func `what an index sends is cut to fit a line of the control plane`() throws {
    let sample = try ControlSample()
    let holders = Array(repeating: sample.holder, count: 60)
    let content = ContentListing(
      content: sample.content, title: sample.document.title, modified: sample.document.modified, total: 60,
      holders: holders)
    let reply = LookupReply(key: sample.document.key, contents: Array(repeating: content, count: 20), more: 5).bounded
    #expect(reply.contents.count == 16 && reply.more == 9)
    #expect(reply.contents.allSatisfy { $0.holders.count == 50 && $0.total == 60 })
    #expect(try Jansson.encodeLine(reply.json(id: 1)).count < ControlPlane.lineLimit)
    let row = DocumentListing(document: sample.document, total: 60, holders: holders).bounded
    #expect(row.holders.count == 3 && row.total == 60)
    let few = LookupReply(key: sample.document.key, contents: [], more: 0)
    #expect(few.bounded == few)
  }
}

/// One of everything that messages are made of.
private struct ControlSample {
  let id: PeerID
  let name: PeerName
  let content: Content
  let document: Document

  init() throws {
    let digest = try #require(Digest(hex: String(repeating: "3f", count: 32)))
    id = PeerID(digest: digest)
    name = try PeerName("alice")
    content = try #require(Content(root: digest, size: 177_957))
    document = Document(
      key: try DocumentKey("rfc/793"), title: try Title("Transmission Control Protocol"), content: content,
      modified: try Timestamp("1981-09-01T00:00:00Z"))
  }

  var tree: RunningTransfer {
    var row = RunningTransfer(id: 4, direction: .download, key: nil, content: nil, pieces: 300, have: 12)
    (row.prefix, row.size, row.activity) = ("data/cats/", 9, "checking")
    return row
  }

  var mapped: RunningTransfer {
    var row = RunningTransfer(
      id: 5, direction: .download, key: document.key, content: content, pieces: 4, have: 2)
    var map = PieceSet(count: 4)
    map.insert(0)
    map.insert(2)
    row.map = map
    return row
  }

  var holder: Holder { Holder(peer: id, name: name, host: "192.0.2.7", port: 40001, complete: false) }
  var listing: ContentListing {
    ContentListing(
      content: content, title: document.title, modified: document.modified, total: 12, holders: [holder])
  }
}
