// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import Testing
import WireProtocol

/// Everything on the control plane survives the way through its line, jansson included.
@Suite struct ControlMessageTests {
  private func reread(_ json: JSONValue) throws -> JSONValue {
    try Jansson.decode(try Jansson.encodeLine(json))
  }

  // MARK: Requests

  static func requests() throws -> [ControlRequest] {
    let key = try DocumentKey("rfc/793")
    return [
      .hello(protocol: 1),
      .add(AddFiles(paths: ["/a", "/b c"], recursive: true, key: "data/cats/", progress: true)),
      .add(AddFiles(paths: ["/a"], key: "file/x", title: try Title("Ein Titel"))),
      .lookup(key),
      .list(ListDocuments()),
      .list(ListDocuments(collection: "rfc", words: "control proto", limit: 5, mine: true)),
      .get(GetDocument(key: key, target: .path("/tmp/x"))),
      .get(
        GetDocument(
          key: key, target: .directory("/tmp"), from: "alice", content: "3fa", force: true, share: false,
          progress: true)),
      .remove(RemoveDocument(key: key)),
      .remove(RemoveDocument(key: key, content: "3f")),
      .status, .peers(limit: nil), .peers(limit: 3), .transfers, .doctor,
      .connect(Endpoint(host: "::1", port: 7734)), .connect(nil),
    ]
  }

  @Test func everyRequestIsReadAsItWasWritten() throws {
    for request in try Self.requests() {
      let json = try reread(request.json(id: 7))
      #expect(try ControlRequest(json) == request)
      #expect(ControlRequest.id(of: json) == 7)
    }
  }

  @Test func everyOperationIsListed() throws {
    #expect(Set(try Self.requests().map(\.operation)) == Set(ControlOperation.allCases))
  }

  @Test(arguments: [
    (#"{"id":1,"op":"dance"}"#, ErrorCode.unknownOperation),
    (#"{"id":1}"#, .badRequest),
    (#"{"id":1,"op":5}"#, .badRequest),
    (#"{"id":1,"op":"lookup"}"#, .badRequest),
    (#"{"id":1,"op":"lookup","key":"rfc/007"}"#, .invalidKey),
    (#"{"id":1,"op":"get","key":"../x","path":"/x"}"#, .invalidKey),
    (#"{"id":1,"op":"get","key":"rfc/1","path":"x"}"#, .badRequest),
    (#"{"id":1,"op":"get","key":"rfc/1","path":"/x","directory":"/"}"#, .badRequest),
    (#"{"id":1,"op":"add","paths":["relative"]}"#, .badRequest),
    (#"{"id":1,"op":"add","paths":[]}"#, .badRequest),
    (#"{"id":1,"op":"add","paths":"/x"}"#, .badRequest),
    (#"{"id":1,"op":"list","collection":"RFC"}"#, .badRequest),
    (#"{"id":1,"op":"list","limit":0}"#, .badRequest),
    (#"{"id":1,"op":"list","limit":9223372036854775807}"#, .badRequest),
    (#"{"id":1,"op":"connect"}"#, .badRequest),
    (#"{"id":1,"op":"connect","address":"nowhere"}"#, .badRequest),
  ])
  func whatIsWrongIsRefusedWithItsCode(line: String, code: ErrorCode) throws {
    let json = try Jansson.decode(line.utf8)
    #expect(throws: WireFailure.self) { try ControlRequest(json) }
    do { _ = try ControlRequest(json) } catch { #expect(error.code == code) }
  }

  @Test func anIdIsReadWhereTheRequestMakesNoSense() throws {
    #expect(ControlRequest.id(of: try Jansson.decode(#"{"id":3,"op":[]}"#.utf8)) == 3)
    #expect(ControlRequest.id(of: try Jansson.decode(#"{"id":-3,"op":"status"}"#.utf8)) == nil)
    #expect(ControlRequest.id(of: try Jansson.decode(#"{"id":"3"}"#.utf8)) == nil)
  }

  // MARK: Replies

  private func check<Reply: ControlReply>(_ reply: Reply) throws {
    let line = try reread(reply.reply(to: 9))
    #expect(try Reply(line) == reply)
    #expect(try ControlOutcome(line) == .success(id: 9, line))
  }

  @Test func everyReplyIsReadAsItWasWritten() throws {
    let sample = try ControlSample()
    try check(ControlHelloReply(server: "p2p-peer/0.1.0", role: .peer, peer: sample.id, name: "alice"))
    try check(ControlHelloReply(server: "p2p-supervisor/0.1.0", role: .supervisor, peer: nil, name: "supervisor"))
    try check(ControlAddReply(added: 3, failed: 1, announced: false))
    try check(ControlLookupReply(key: sample.document.key, contents: [sample.held], more: 2))
    try check(ControlListReply(documents: 12))
    try check(
      ControlGetReply(
        key: sample.document.key, content: sample.content, path: "/tmp/x", received: 5,
        sources: [ControlGetReply.Source(name: "alice", id: sample.id, bytes: 5)], seconds: 1.5))
    try check(ControlRemoveReply(removed: 1))
    try check(sample.status)
    try check(ControlPeersReply(peers: 2))
    try check(ControlTransfersReply(transfers: 0))
    try check(
      ControlDoctorReply(
        index: .init(server: "p2p-index/0.1.0", seconds: 0.5, skew: -3),
        uploads: .init(address: .defaultIndex, reachable: false, error: "Connection refused")))
    try check(ControlDoctorReply(index: .init(error: "no"), uploads: nil))
    try check(ControlConnectReply(address: .defaultIndex, connected: true, source: .connect))
  }

  @Test func membersOfALaterVersionAreIgnored() throws {
    let line = try Jansson.decode(#"{"id":1,"status":200,"removed":1,"why":{"deep":[1]}}"#.utf8)
    #expect(try ControlRemoveReply(line) == ControlRemoveReply(removed: 1))
  }

  // MARK: Events

  @Test func everyEventIsReadAsItWasWritten() throws {
    let sample = try ControlSample()
    let events: [ControlEvent] = [
      .hashing(HashingProgress(path: "/a", done: 1, total: 2, file: 1, files: 3)),
      .added(sample.document, path: "/a"),
      .failed(PathProblem(path: "/b", message: "Permission denied")),
      .document(ListedDocument(document: sample.document, total: 1, holders: [sample.holder])),
      .document(
        ListedDocument(document: sample.document, total: 0, holders: [], path: "/a", state: .withdrawn)),
      .progress(DownloadProgress(received: 1, size: 2, peer: "alice")),
      .progress(DownloadProgress(received: 0, size: 2, peer: nil)),
      .peer(ConnectedPeer(peer: sample.id, name: sample.name, host: "::1", port: 5, documents: 4)),
      .transfer(
        RunningTransfer(
          direction: .upload, key: nil, content: sample.content, done: 1, peer: "", host: "::1", seconds: 0.5)),
      .transfer(
        RunningTransfer(
          direction: .download, key: sample.document.key, content: sample.content, done: 1, peer: "bob",
          host: "::1", seconds: 2)),
    ]
    for event in events {
      let line = try reread(event.json)
      #expect(try ControlEvent(line) == event)
      #expect(try ControlOutcome(line) == nil)
    }
  }

  @Test func anEventOfALaterVersionIsKnownAsSuch() throws {
    #expect(try ControlEvent(try Jansson.decode(#"{"event":"sparkle","x":1}"#.utf8)) == .unknown("sparkle"))
    #expect(try ControlEvent(try Jansson.decode(#"{"id":1,"status":200}"#.utf8)) == nil)
  }

  // MARK: Failures

  @Test func aFailureCarriesWhatHelps() throws {
    let sample = try ControlSample()
    let failure = ControlFailure(
      WireFailure(.severalContents, "two", limit: WireFailure.Limit("line", 5), retryAfter: 3),
      paths: [PathProblem(path: "/x", message: "gone")], choices: [sample.held],
      peers: [NamedPeer(peer: sample.id, name: sample.name)])
    let line = try reread(failure.reply(to: 4))
    #expect(try ControlOutcome(line) == .failure(id: 4, failure))
    #expect(try ControlOutcome(try reread(failure.reply(to: nil))) == .failure(id: nil, failure))
  }

  @Test func aCodeOfALaterVersionKeepsItsMessage() throws {
    let line = try Jansson.decode(#"{"id":1,"status":418,"error":"teapot","message":"short and stout"}"#.utf8)
    let failure = try ControlFailure(line)
    #expect(failure.failure.code == .internal)
    #expect(failure.failure.message == "short and stout")
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

  var holder: ReportedHolder {
    ReportedHolder(peer: id, name: name, host: "192.0.2.7", port: 40001, complete: false)
  }
  var held: HeldContent {
    HeldContent(
      content: content, title: document.title, modified: document.modified, total: 12, holders: [holder])
  }
  var status: ControlStatusReply {
    ControlStatusReply(
      name: name, peer: id, socket: "/run/alice.sock", uploads: Endpoint(host: "127.0.0.1", port: 40001),
      index: IndexState(address: .defaultIndex, connected: true, since: document.modified, source: .settings),
      documents: 1, bytes: 177_957)
  }
}
