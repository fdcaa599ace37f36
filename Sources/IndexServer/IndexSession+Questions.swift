// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import LineJSON
import WireProtocol

/// What a session may ask.
extension IndexSession {
  /// Rows of `list` and `peers` where the request names no limit.
  private static var defaultPage: Int { 100 }
  /// A reply to `list` ends with the row that reaches this many bytes, so that it stays below the limit of a line.
  private static var pageBytes: Int { 768 * 1024 }

  func lookup(
    _ lookup: IndexRequest.Lookup, _ id: Int64, _ output: inout JSONWriter, using generator: inout SampleGenerator
  ) throws(WireFailure) {
    var writer = LookupWriter(asker: origin.asker, id: id, output: output)
    // The writer's copy must be the only one, or its first byte would copy all that was written before.
    output = JSONWriter()
    let limits = service.limits
    let more = service.withIndex { index -> Int? in
      switch lookup.subject {
      case .key(let key):
        index.visit(
          key: key.text.utf8Span.span, peer: lookup.peer, holderLimit: limits.holders, contentLimit: limits.contents,
          using: &generator, visitor: &writer)
      case .content(let content):
        index.visit(
          content: content, peer: lookup.peer, holderLimit: limits.holders, using: &generator, visitor: &writer)
          ? 0 : nil
      }
    }
    let isFound = writer.finish(more: more ?? 0, givingBack: &output)
    guard isFound else { throw WireFailure(.notFound, "nobody shares this now") }
  }

  func list(
    _ query: IndexRequest.ListQuery, _ id: Int64, _ output: inout JSONWriter, using generator: inout SampleGenerator
  ) throws(WireFailure) {
    let cursor = try Self.cursor(query.after, ListCursor.init)
    let limit = min(query.limit ?? Self.defaultPage, service.limits.page)
    let page = service.withIndex {
      $0.list(collection: query.collection, words: [query.words], limit: limit, after: cursor, using: &generator)
    }
    output.beginReply(id: id)
    output.key("documents")
    output.beginArray()
    let start = output.bytes.count
    var next = page.next
    for (number, row) in page.rows.enumerated() {
      write(row, to: &output)
      if output.bytes.count - start > Self.pageBytes, number + 1 < page.rows.count {
        next = ListCursor(key: row.document.key, content: row.document.content)
        break
      }
    }
    output.endArray()
    if let next { output.member("next", next.text) }
    output.endReply()
  }

  func peers(_ query: IndexRequest.PeersQuery, _ id: Int64, _ output: inout JSONWriter) throws(WireFailure) {
    let cursor = try Self.cursor(query.after, PeerCursor.init)
    let limit = min(query.limit ?? Self.defaultPage, service.limits.page)
    let page = service.withIndex { $0.peers(limit: limit, after: cursor) }
    output.beginReply(id: id)
    output.key("peers")
    output.beginArray()
    for row in page.rows { write(row, to: &output) }
    output.endArray()
    if let next = page.next { output.member("next", next.text) }
    output.endReply()
  }

  func statistics(_ id: Int64, _ output: inout JSONWriter) {
    let statistics = service.statistics
    output.beginReply(id: id)
    output.member("documents", statistics.documents)
    output.member("keys", statistics.keys)
    output.member("records", statistics.records)
    output.member("peers", statistics.peers)
    output.member("sessions", statistics.sessions)
    output.member("time", Timestamp(seconds: service.wallClock()))
    output.endReply()
  }

  private static func cursor<Cursor>(
    _ text: String?, _ read: (String) throws(InvalidValue) -> Cursor
  ) throws(WireFailure) -> Cursor? {
    guard let text else { return nil }
    do { return try read(text) } catch { throw .badRequest("after: \(error.reason)") }
  }

  private func write(_ row: DocumentListing, to output: inout JSONWriter) {
    output.beginObject()
    output.member("key", row.document.key.text)
    output.member("title", row.document.title.text)
    output.members(of: row.document.content)
    output.member("modified", row.document.modified)
    output.member("total", row.total)
    output.key("holders")
    output.beginArray()
    for holder in row.holders { output.write(holder, to: origin.asker) }
    output.endArray()
    output.endObject()
  }

  private func write(_ row: PeerListing, to output: inout JSONWriter) {
    output.beginObject()
    output.member("peer", row.peer)
    output.member("name", row.name.text)
    output.member("host", HolderAddresses.reported(row.host, to: origin.asker))
    output.member("port", row.port)
    output.member("documents", row.documents)
    output.endObject()
  }
}
