// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentIndex
import DocumentModel
import NIOPosix
import WireProtocol

/// What this peer shares itself, for front ends.
struct CatalogueQueries: Sendable {
  private static let pageLength = 500

  let catalogue: Catalogue
  let pool: NIOThreadPool

  func list(_ request: ListDocuments, events: any ControlEvents) async throws(ControlFailure) -> ControlListReply {
    let words = WordQuery(request.words ?? "")
    var position: CataloguePosition?
    var count = 0
    repeat {
      let left = request.limit.map { $0 - count } ?? .max
      let shares = try await refusing { () throws(WireFailure) in
        try await pool.store { [catalogue, position] () throws(StoreError) in
          try catalogue.page(after: position, limit: Self.pageLength)
        }
      }
      let matching = shares.lazy.filter { share in
        request.collection.map { $0 == share.key.collection } ?? true
          && words.matches(title: share.title, key: share.key)
      }
      let taken = Array(matching.prefix(left))
      try await events.send(taken.map { .document(ListedDocument($0)) })
      count += taken.count
      position = shares.count < Self.pageLength || taken.count == left ? nil : shares.last.map(CataloguePosition.init)
    } while position != nil
    return ControlListReply(documents: count)
  }

  func totals() async throws(ControlFailure) -> CatalogueTotals {
    try await refusing { () throws(WireFailure) in
      try await pool.store { [catalogue] () throws(StoreError) in try catalogue.totals() }
    }
  }
}
