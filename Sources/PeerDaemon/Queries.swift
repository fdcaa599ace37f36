// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentIndex
import DocumentModel
import NIOPosix
import WireProtocol

/// Reads what this peer shares.
struct CatalogueQueries: Sendable {
  private static let pageLength = 500

  let catalogue: Catalogue
  let pool: NIOThreadPool

  /// - Parameters:
  ///   - words: all must match, each as a prefix of a word of title or name; empty for all documents.
  ///   - limit: maximum number of shares; `nil` for all.
  ///   - take: receives one page after the other.
  /// - Returns: the number of shares.
  func list(
    collection: String?, words: String, limit: Int?, take: ([Share]) async throws(WireFailure) -> Void
  ) async throws(WireFailure) -> Int {
    let query = WordQuery(words)
    var position: DocumentID?
    var count = 0
    repeat {
      let left = limit.map { $0 - count } ?? .max
      let shares = try await pool.store { [catalogue, position] () throws(StoreError) in
        try catalogue.page(after: position, limit: Self.pageLength)
      }
      let matching = shares.lazy.filter { share in
        collection.map { $0 == share.key.collection } ?? true && query.matches(title: share.title, key: share.key)
      }
      let taken = Array(matching.prefix(left))
      try await take(taken)
      count += taken.count
      position = shares.count < Self.pageLength || taken.count == left ? nil : shares.last?.id
    } while position != nil
    return count
  }

  /// The number of shared documents, and their total size.
  func totals() async throws(WireFailure) -> CatalogueTotals {
    try await pool.store { [catalogue] () throws(StoreError) in try catalogue.totals() }
  }
}

/// Asks the index for listings, page after page.
struct IndexQueries: Sendable {
  /// Rows per page. The index may send fewer.
  private static let pageLength = 1000

  let link: IndexLink

  func lookup(_ key: DocumentKey) async throws(WireFailure) -> LookupReply {
    do throws(WireFailure) {
      return try await link.ask(.lookup(.init(.key(key))), LookupReply.init)
    } catch  where error.code == .notFound {
      throw WireFailure(.notFound, "nobody shares \(key) now; p2pctl list shows what is available")
    }
  }

  /// - Parameters:
  ///   - limit: maximum number of documents; `nil` for all.
  ///   - take: receives one page after the other.
  /// - Returns: the number of documents.
  func list(
    collection: String?, words: String, limit: Int?, take: ([DocumentListing]) async throws(WireFailure) -> Void
  ) async throws(WireFailure) -> Int {
    var pages = Pages(limit: limit)
    while let wanted = pages.nextLength(Self.pageLength) {
      let query = IndexRequest.ListQuery(collection: collection, words: words, limit: wanted, after: pages.cursor)
      let reply = try await link.ask(.list(query), ListReply.init)
      try await take(pages.take(reply.documents, next: reply.next))
    }
    return pages.count
  }

  /// As `list`, for connected peers.
  func peers(
    limit: Int?, take: ([PeerListing]) async throws(WireFailure) -> Void
  ) async throws(WireFailure) -> Int {
    var pages = Pages(limit: limit)
    while let wanted = pages.nextLength(Self.pageLength) {
      let query = IndexRequest.PeersQuery(limit: wanted, after: pages.cursor)
      let reply = try await link.ask(.peers(query), PeersReply.init)
      try await take(pages.take(reply.peers, next: reply.next))
    }
    return pages.count
  }
}

/// Follows a listing page by page, to its end or to a limit. Ends even if the index sends pages without end.
package struct Pages: Sendable {
  /// Rows taken.
  package private(set) var count = 0
  /// Where the next page begins; `nil` for the first.
  package private(set) var cursor: String?
  /// Maximum number of empty pages in a row: an index may end a page early, but a list has an end.
  package static let maxEmptyPages = 100_000

  private let limit: Int?
  private var isAtEnd = false
  private var emptyPages = 0

  /// - Parameter limit: maximum number of rows; `nil` for all.
  package init(limit: Int?) {
    self.limit = limit
  }

  /// The number of rows to ask for, at most `max`; `nil` at the end.
  package func nextLength(_ max: Int) -> Int? {
    let left = limit.map { $0 - count } ?? max
    return isAtEnd || left <= 0 ? nil : min(left, max)
  }

  /// - Returns: the rows, cut to the limit.
  package mutating func take<Row>(_ rows: [Row], next: String?) -> [Row] {
    let taken = Array(rows.prefix(limit.map { max($0 - count, 0) } ?? rows.count))
    count += taken.count
    // A repeated cursor would be a cycle: the index is broken or lies.
    emptyPages = rows.isEmpty ? emptyPages + 1 : 0
    isAtEnd = next == nil || next == cursor || emptyPages == Self.maxEmptyPages
    cursor = next
    return taken
  }
}
