// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import WireProtocol

/// What can be asked of the index, for front ends: pages to the end.
struct IndexQueries: Sendable {
  /// Rows of one page. The index may cut it further.
  private static let page = 1000

  let link: IndexLink

  func lookup(_ key: DocumentKey) async throws(WireFailure) -> LookupReply {
    do throws(WireFailure) {
      let found = try await link.ask(.lookup(.init(.key(key))), LookupReply.init)
      return LookupReply(key: key, contents: found.contents, more: found.more).bounded
    } catch  where error.code == .notFound {
      throw WireFailure(.notFound, "nobody shares \(key) now; p2pctl list shows what there is")
    }
  }

  func list(_ request: ListDocuments, events: any ControlEvents) async throws(WireFailure) -> ControlListReply {
    var rows = Rows(limit: request.limit)
    while let wanted = rows.nextPage(Self.page) {
      let query = IndexRequest.ListQuery(
        collection: request.collection, words: request.words ?? "", limit: wanted, after: rows.cursor)
      let reply = try await link.ask(.list(query), ListReply.init)
      try await events.send(rows.take(reply.documents, next: reply.next).map { .document($0.bounded) })
    }
    return ControlListReply(documents: rows.count)
  }

  func peers(limit: Int?, events: any ControlEvents) async throws(WireFailure) -> ControlPeersReply {
    var rows = Rows(limit: limit)
    while let wanted = rows.nextPage(Self.page) {
      let query = IndexRequest.PeersQuery(limit: wanted, after: rows.cursor)
      let reply = try await link.ask(.peers(query), PeersReply.init)
      try await events.send(rows.take(reply.peers, next: reply.next).map { .peer($0) })
    }
    return ControlPeersReply(peers: rows.count)
  }
}
