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

  func list(_ request: ListDocuments, events: any ControlEvents) async throws(WireFailure) -> ControlListReply {
    let words = WordQuery(request.words ?? "")
    var position: CataloguePosition?
    var count = 0
    repeat {
      let left = request.limit.map { $0 - count } ?? .max
      let shares = try await pool.store { [catalogue, position] () throws(StoreError) in
        try catalogue.page(after: position, limit: Self.pageLength)
      }
      let matching = shares.lazy.filter { share in
        request.collection.map { $0 == share.key.collection } ?? true
          && words.matches(title: share.title, key: share.key)
      }
      let taken = Array(matching.prefix(left))
      try await events.send(taken.map { .document(DocumentListing($0), file: OwnFile($0)) })
      count += taken.count
      position = shares.count < Self.pageLength || taken.count == left ? nil : shares.last.map(CataloguePosition.init)
    } while position != nil
    return ControlListReply(documents: count)
  }

  func totals() async throws(WireFailure) -> CatalogueTotals {
    try await pool.store { [catalogue] () throws(StoreError) in try catalogue.totals() }
  }
}

extension DocumentListing {
  fileprivate init(_ share: Share) {
    self.init(document: share.document, total: share.state == .shared ? 1 : 0, holders: [])
  }
}

extension OwnFile {
  fileprivate init(_ share: Share) {
    self.init(path: share.path, state: share.state == .shared ? .shared : .withdrawn)
  }
}
