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

  /// A row of a list.
  enum Row: Sendable {
    case share(Share)
    case level(LevelListing)
  }

  /// - Parameters:
  ///   - limit: maximum number of rows; `nil` for all.
  ///   - take: receives one page after the other.
  /// - Returns: the number of documents, those of merged rows included.
  func list(
    _ query: ListQuery, limit: Int?, take: ([Row]) async throws(WireFailure) -> Void
  ) async throws(WireFailure) -> Int {
    guard let prefix = query.keyPrefix else { return 0 }
    var rows = OwnRows(query: query, limit: limit ?? .max)
    var position: DocumentID?
    repeat {
      let shares = try await pool.store { [catalogue, position] () throws(StoreError) in
        try catalogue.page(after: position, from: prefix, limit: Self.pageLength)
      }
      for share in shares { rows.add(share) }
      // The keys behind the prefix come in order.
      let isLast = shares.count < Self.pageLength || shares.last?.key.text.utf8.starts(with: prefix.utf8) == false
      if isLast { rows.endLevel() }
      try await take(rows.takeRows())
      position = isLast || rows.isFull ? nil : shares.last?.id
    } while position != nil
    return rows.documents
  }

  /// The number of shared documents and their total size, and why nothing can be recorded, if so.
  /// - Parameter network: that of the index, if there is a connection.
  func condition(
    in network: Home?
  ) async throws(WireFailure) -> (totals: CatalogueTotals, withheld: Int, problem: StoreError?) {
    try await pool.store { [catalogue] () throws(StoreError) in
      let withheld = if let network { try catalogue.withheldCount(from: network) } else { 0 }
      return (try catalogue.totals(), withheld, catalogue.placeProblem)
    }
  }
}

/// Makes the rows of a list of one's own shares, which come in the order of keys.
private struct OwnRows {
  let query: ListQuery
  let limit: Int
  private(set) var documents = 0
  private var last: DocumentID?
  private var count = 0
  private var rows: [CatalogueQueries.Row] = []
  private var level: LevelListing?

  init(query: ListQuery, limit: Int) {
    self.query = query
    self.limit = limit
  }

  var isFull: Bool { count >= limit && level == nil }

  mutating func add(_ share: Share) {
    guard query.includes(title: share.title, key: share.key) else { return }
    let prefix = query.level(of: share.key)
    if prefix == nil || prefix != level?.prefix { endLevel() }
    guard level != nil || count < limit else { return }
    // Several files may have one document: their rows come together.
    let new = share.id == last ? 0 : 1
    last = share.id
    documents += new
    if let prefix {
      if level == nil { count += 1 }
      level = LevelListing(prefix: prefix, documents: (level?.documents ?? 0) + new)
    } else {
      count += 1
      rows.append(.share(share))
    }
  }

  mutating func endLevel() {
    if let ended = level.take() { rows.append(.level(ended)) }
  }

  mutating func takeRows() -> [CatalogueQueries.Row] {
    defer { rows = [] }
    return rows
  }
}

/// Asks the index for listings, page after page.
struct IndexQueries: Sendable {
  /// Rows per page. The index may send fewer.
  private static let pageLength = 1000

  let link: IndexLink
  /// The network to which they belong; `nil` if a person asks now.
  var home: Home?

  func lookup(_ key: DocumentKey) async throws(WireFailure) -> LookupReply {
    do throws(WireFailure) {
      return try await link.ask(.lookup(.init(.key(key))), LookupReply.init)
    } catch  where error.code == .notFound {
      throw WireFailure(.notFound, "nobody shares \(key) now; p2pctl list shows what is available")
    }
  }

  /// - Parameters:
  ///   - query: its limit is the maximum number of rows of all pages together; `nil` for all.
  ///   - take: receives one page after the other.
  /// - Returns: the number of documents, those of merged rows included.
  func list(
    _ query: IndexRequest.ListQuery, take: ([ListRow]) async throws(WireFailure) -> Void
  ) async throws(WireFailure) -> Int {
    var pages = Pages(limit: query.limit)
    var documents = 0
    while let wanted = pages.nextLength(Self.pageLength) {
      var query = query
      query.limit = wanted
      query.after = pages.cursor
      let reply = try await link.ask(.list(query), ListReply.init(line:))
      let rows = pages.take(reply.rows, next: reply.next, at: Self.position)
      documents = rows.reduce(documents) { $0.addingReportingOverflow($1.documents).partialValue }
      try await take(rows)
    }
    return documents
  }

  /// Grows from row to row.
  private static func position(_ row: ListRow) -> [UInt8] {
    switch row {
    case .level(let level): Array(level.prefix.utf8)
    case .document(let row):
      Array(row.document.key.text.utf8) + [0] + row.document.content.root.bytes
        + (0..<8).map { UInt8(truncatingIfNeeded: row.document.content.size >> (56 - 8 * $0)) }
    }
  }

  /// As `list`, for connected peers.
  func peers(
    limit: Int?, take: ([PeerListing]) async throws(WireFailure) -> Void
  ) async throws(WireFailure) -> Int {
    var pages = Pages(limit: limit)
    while let wanted = pages.nextLength(Self.pageLength) {
      let query = IndexRequest.PeersQuery(limit: wanted, after: pages.cursor)
      let reply = try await link.ask(.peers(query), in: home, PeersReply.init)
      let rows = pages.take(reply.peers, next: reply.next) { row in
        row.peer.digest.bytes + Array(row.host.utf8) + [0, UInt8(row.port >> 8), UInt8(row.port & 0xFF)]
      }
      try await take(rows)
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
  /// Maximum number of pages in a row that lead no further.
  package static let maxFruitless = 256

  private let limit: Int?
  private var isAtEnd = false
  private var emptyPages = 0
  private var fruitless = 0
  private var position: [UInt8] = []

  /// - Parameter limit: maximum number of rows; `nil` for all.
  package init(limit: Int?) {
    self.limit = limit
  }

  /// The number of rows to ask for, at most `max`; `nil` at the end.
  package func nextLength(_ max: Int) -> Int? {
    let left = limit.map { $0 - count } ?? max
    return isAtEnd || left <= 0 ? nil : min(left, max)
  }

  /// - Parameter position: of a row: grows from page to page, in byte order.
  /// - Returns: the rows, cut to the limit.
  package mutating func take<Row>(
    _ rows: [Row], next: String?, at position: ((Row) -> [UInt8])? = nil
  ) -> [Row] {
    let taken = Array(rows.prefix(limit.map { max($0 - count, 0) } ?? rows.count))
    count += taken.count
    // A repeated cursor would be a cycle: the index is broken or lies.
    emptyPages = rows.isEmpty ? emptyPages + 1 : 0
    if let position, let last = rows.last.map(position) {
      let leads = self.position.lexicographicallyPrecedes(last)
      fruitless = leads ? 0 : fruitless + 1
      if leads { self.position = last }
    }
    isAtEnd = next == nil || next == cursor || emptyPages == Self.maxEmptyPages || fruitless == Self.maxFruitless
    cursor = next
    return taken
  }
}
