// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOPosix
import WireProtocol

/// Brings changes of the catalogue to the index.
///
/// Concurrent changes of the catalogue may reach the index in another order. Each caller therefore reads the catalogue
/// again after the index has answered, and corrects what has changed meanwhile: the index ends up with what the catalogue
/// says.
struct Publication: Sendable {
  let catalogue: Catalogue
  let link: IndexLink
  let pool: NIOThreadPool

  /// - Parameter waiting: whether to wait for a connection.
  /// - Returns: whether the index acknowledged everything in time. If not, it is announced again later.
  func publish(_ documents: [Document], waiting: Bool = true) async -> Bool {
    if waiting, case .awaited = link.passes.homeOfNew, await !link.isConnectedInTime() { return false }
    let network = link.passes.home
    // Their owner is told that this peer does not belong.
    guard network != .nowhere || documents.isEmpty else { return false }
    guard let offered = await offered(documents.map(\.id), in: network) else {
      await link.announceAgain()
      return false
    }
    guard !offered.isEmpty else { return true }
    if !waiting, await !link.status.isConnected { return false }
    let isAcknowledged = await link.announce(Array(offered.values), in: network)
    let now = await self.offered(Array(offered.keys), in: network) ?? offered
    let gone = offered.keys.filter { now[$0] == nil }
    if !gone.isEmpty { _ = await link.withdraw(gone, in: network) }
    return isAcknowledged
  }

  /// - Parameter shares: as they were. A network that may not hear of them does not hear of their end either, nor does one
  ///   that has the document from another file: it hears how that file describes it.
  func withdraw(_ shares: [Share]) async {
    let network = link.passes.home
    await withdraw(Array(Set(shares.lazy.filter { $0.audience.contains(network) }.map(\.id))), in: network)
  }

  /// Withdraws those of these documents of which the network hears no longer, and announces the others.
  func withdraw(_ documents: [DocumentID], in network: Home) async {
    guard !documents.isEmpty else { return }
    let others = await offered(documents, in: network) ?? [:]
    let gone = documents.filter { others[$0] == nil }
    if !gone.isEmpty { _ = await link.withdraw(gone, in: network) }
    let back = await offered(documents, in: network) ?? [:]
    if !back.isEmpty { _ = await publish(Array(back.values)) }
  }

  /// Those of these documents of which the network hears now, each as the first of its files describes it; `nil` if the
  /// catalogue cannot be read now, or the caller is cancelled.
  private func offered(_ documents: [DocumentID], in network: Home) async -> [DocumentID: Document]? {
    guard !documents.isEmpty else { return [:] }
    return try? await pool.store { [catalogue] () throws(StoreError) in
      try catalogue.shares(documents).compactMapValues { shares in
        shares.first { $0.isShared(in: network) }?.document
      }
    }
  }
}

/// Reads the shares to announce. Files that have changed are reported to `changed`: their shares stay until they are hashed,
/// here as in the catalogue. Those whose file is gone or was replaced, and of which the network may not hear, are left out.
struct CatalogueAnnouncements: Sendable {
  private static let pageLength = 1000

  let catalogue: Catalogue
  let pool: NIOThreadPool
  let changed: ChangedFiles
  /// That of the connection to the index.
  let network: @Sendable () -> Home
  /// Announced after the shares.
  var partial = PartialDocuments()

  /// - Returns: `nil` if the catalogue cannot be read.
  func page(after position: DocumentID?) async -> IndexLink.SharesPage? {
    try? await pool.store { () throws(StoreError) in try read(after: position) }
  }

  private func read(after position: DocumentID?) throws(StoreError) -> IndexLink.SharesPage {
    let shares = try catalogue.page(after: position, limit: Self.pageLength)
    let network = network()
    var documents = [Document]()
    // One document from the first of its files.
    for share in shares where share.isShared(in: network) && documents.last?.id != share.id {
      let verdict = ShareVerdict(share, found: FileObservation(at: share.path, known: share.fingerprint))
      if verdict != .keep { changed.notice(share.path) }
      if verdict != .withdraw { documents.append(share.document) }
    }
    let next = shares.count < Self.pageLength ? nil : shares.last?.id
    return .init(documents: next == nil ? documents + partial.all(in: network) : documents, next: next)
  }
}
