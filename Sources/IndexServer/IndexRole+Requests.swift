// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
package import LineJSON
import LineTransport
import NIOCore
import WireProtocol

/// The adapter between the wire and a session: decodes a request, calls the session, encodes the reply.
extension IndexRole {
  func answer(_ line: JSONObject, _ output: inout JSONWriter) -> LineVerdict {
    var id: Int64?
    do throws(WireFailure) {
      let known = try line.requestID()
      id = known
      let limits = reader.map { service.limits(for: $0) } ?? service.limits
      if limits.hasRates { try checkRates(limits, isPing: line["op"]?.isEqual(to: "ping") == true) }
      return try route(try IndexRequest(line, batchLimit: limits.batch), known, &output)
    } catch {
      return refuse(error, id: id, &output)
    }
  }

  /// Every operation, in the order of the written protocol.
  func route(
    _ request: IndexRequest, _ id: Int64, _ output: inout JSONWriter
  ) throws(WireFailure) -> LineVerdict {
    if case .hello(let hello) = request {
      try greet(hello, id, &output)
      return .next
    }
    guard let session else { throw .helloRequired }
    if isOutside { try refuseOutside(request.operation) }
    switch request {
    case .hello: break
    case .add(let documents): return try add(documents, to: session, id, &output)
    case .remove(let documents):
      return begin(SlicedWork(id: id, task: .remove(documents[...], removed: 0)), &output)
    case .lookup(let lookup): return try self.lookup(lookup, in: session, id, &output)
    case .list(let query): return try list(query, in: session, id, &output)
    case .peers(let query):
      try peers(query, in: session, id, &output)
      return .pause
    case .stats: writeStatistics(id, &output)
    case .watch(let query): try watch(query, id, &output)
    case .unwatch(let number): try unwatch(number, id, &output)
    case .ping: writePing(id, &output)
    case .membership(.limits) where service.network == nil:
      LimitsReply(service.limits.listings.filter { $0.per != .member }).write(id: id, to: &output)
    case .membership(let request): return try membership(request, id)
    }
    return .next
  }

  private func greet(_ hello: IndexHello, _ id: Int64, _ output: inout JSONWriter) throws(WireFailure) {
    let session = try begin(hello)
    let reply = IndexHelloReply(
      server: "p2p-index/\(ProtocolVersion.program)", host: session.origin.host, isAdvertised: session.isAdvertised,
      asksForTLS: service.asksForTLS(isPlain: connection?.provenPeer == nil),
      standing: inNetwork?.standing(withKey: true), limits: service.limits)
    reply.write(id: id, to: &output)
  }

  private func add(
    _ documents: [Document], to session: IndexSession, _ id: Int64, _ output: inout JSONWriter
  ) throws(WireFailure) -> LineVerdict {
    var rights = addRights
    let (added, rest): (Addition, ArraySlice<Document>)
    try checkRecords(adding: documents.count)
    do { (added, rest) = try session.beginAdding(documents, &rights) } catch { throw WireFailure(error) }
    guard rest.isEmpty else { return begin(SlicedWork(id: id, task: .add(rest, added, rights)), &output) }
    write(added, id, &output)
    return .next
  }

  func write(_ addition: Addition, _ id: Int64, _ output: inout JSONWriter) {
    recordsChanged()
    guard !addition.refused.isEmpty else {
      return output.writeReply(id: id) { $0.member("added", addition.added) }
    }
    noteRefusedDocuments()
    AddReply(added: addition.added, refused: addition.refused).write(id: id, to: &output)
  }

  // MARK: lookup

  /// Answers the usual look-ups, without making values of what they say, up to the first line that is another request, finds
  /// nothing or may come too often.
  package func received(lines: UnsafeRawBufferPointer, room: Int, output: inout JSONWriter) -> Int {
    guard let session, !isOutside, let reader else { return 0 }
    service.refresh(reader)
    guard !reader.limits.hasRates else { return 0 }
    let answered = session.answer(usualLookups: lines, room: room - output.bytes.count, using: &generator)
    if answered > 0 { session.buffer.move(to: &output) }
    return answered
  }

  private func lookup(
    _ lookup: IndexRequest.Lookup, in session: IndexSession, _ id: Int64, _ output: inout JSONWriter
  ) throws(WireFailure) -> LineVerdict {
    if case .key(let key) = lookup.subject, lookup.contents != nil || lookup.peers != nil {
      let search = session.search(key, lookup.contents, lookup.peers)
      return begin(SlicedWork(id: id, task: .lookup(search)), &output)
    }
    var writer = LookupWriter(id: id, asker: session.origin.asker, session.emptyBuffer)
    let outcome: LookupOutcome =
      switch lookup.subject {
      case .key(let key): session.lookup(key: key, using: &generator, visitor: &writer)
      case .content(let content):
        session.lookup(content: content, peers: lookup.peers, using: &generator, visitor: &writer)
          ? .found(more: 0) : .nothing
      }
    writer.finish(outcome)
    session.buffer.move(to: &output)
    switch (outcome, lookup.subject) {
    case (.found, _): return .next
    case (.tooMany, .key(let key)):
      return begin(SlicedWork(id: id, task: .lookup(session.search(key, nil, nil))), &output)
    case (.tooMany, .content), (.nothing, _): throw .notShared
    }
  }

  func write(_ search: LookupSearch, in session: IndexSession, _ id: Int64, _ output: inout JSONWriter) {
    var writer = LookupWriter(id: id, asker: session.origin.asker, session.emptyBuffer)
    let outcome = session.visit(search, using: &generator, visitor: &writer)
    writer.finish(outcome)
    session.buffer.move(to: &output)
    if outcome == .nothing { WireFailure.notShared.write(id: id, to: &output) }
  }

  // MARK: list, peers, stats

  private func list(
    _ query: IndexRequest.ListQuery, in session: IndexSession, _ id: Int64, _ output: inout JSONWriter
  ) throws(WireFailure) -> LineVerdict {
    let position = try Self.cursor(query.after, ListPosition.init(cursor:))
    let documents = ListQuery(
      collection: query.collection, prefix: query.prefix ?? "", isLevel: query.level, words: query.words)
    try Self.check(documents)
    let search = session.search(documents, limit: query.limit, after: position)
    return begin(SlicedWork(id: id, task: .list(search, session.page(id: id, search))), &output)
  }

  private func peers(
    _ query: IndexRequest.PeersQuery, in session: IndexSession, _ id: Int64, _ output: inout JSONWriter
  ) throws(WireFailure) {
    let page = session.peers(limit: query.limit, after: try Self.cursor(query.after, HolderID.init(cursor:)))
    output.writeReply(id: id) { output in
      output.key("peers")
      output.beginArray()
      for row in page.rows {
        output.object(row, host: HolderAddresses.reported(row.host, to: session.origin.asker))
      }
      output.endArray()
      if let next = page.next { output.member("next", next.cursor) }
    }
  }

  static func check(_ query: ListQuery) throws(WireFailure) {
    guard query.wordCount > ListQuery.maxWords else { return }
    throw .badRequest("words: at most \(ListQuery.maxWords) words")
  }

  private static func cursor<Cursor>(
    _ text: String?, _ read: (String) throws(InvalidValue) -> Cursor
  ) throws(WireFailure) -> Cursor? {
    guard let text else { return nil }
    do { return try read(text) } catch { throw .badRequest("after: \(error.reason)") }
  }

  private func writeStatistics(_ id: Int64, _ output: inout JSONWriter) {
    service.report.write(id: id, to: &output)
  }
}

extension JSONWriter {
  mutating func writeReply(id: Int64, _ members: (inout JSONWriter) -> Void) {
    beginReply(id: id)
    members(&self)
    endReply()
  }
}

extension WireFailure {
  fileprivate static let notShared = WireFailure(.notFound, "nobody shares this now")
  /// Seconds after which a retry makes sense: sessions come and go.
  private static let retryAfter = 10

  init(_ refusal: IndexRefusal) {
    switch refusal {
    case .otherID(let proven):
      self = .otherID(proven: proven)
    case .idInUse:
      self.init(.forbidden, "a connected peer has proven that this id is its own: connect by TLS with its key")
    case .noPort: self.init(.noPort, "hello named no port to fetch documents from")
    case .unreachable(let host):
      self.init(
        .forbidden,
        "\(host) is a link-local address, which peers on other links cannot reach: connect from another address")
    case .tooManyRecords(let limit):
      self.init(
        .tooMany, "the batch could exceed the limit of \(limit) records per session", limit: .init("records", limit))
    case .tooManyRecordsOfAddress(let limit):
      self.init(
        .tooMany, "the batch could exceed the limit of \(limit) records per address",
        limit: .init("records_per_address", limit), retryAfter: Self.retryAfter)
    case .tooMuchMemory(let limit):
      self.init(
        .tooMany, "the index has no memory for the batch: it may use \(limit) bytes", limit: .init("memory", limit),
        retryAfter: Self.retryAfter)
    case .tooMuchMemoryOfAddress(let limit):
      self.init(
        .tooMany, "the batch could exceed the limit of \(limit) bytes per address",
        limit: .init("memory_per_address", limit), retryAfter: Self.retryAfter)
    }
  }
}
