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
    guard let documents = await announced(documents, in: network) else {
      await link.announceAgain()
      return false
    }
    guard !documents.isEmpty else { return true }
    if !waiting, await !link.status.isConnected { return false }
    let isAcknowledged = await link.announce(documents, in: network)
    let gone = await records(documents) { !$0 }
    if !gone.isEmpty { _ = await link.withdraw(gone, in: network) }
    return isAcknowledged
  }

  /// Without those of which the network may not hear; `nil` if the catalogue cannot be read now, or the caller is cancelled.
  private func announced(_ documents: [Document], in network: Home) async -> [Document]? {
    guard !documents.isEmpty else { return [] }
    let shares = try? await pool.store { [catalogue] () throws(StoreError) in
      try catalogue.shares(documents.map(\.id))
    }
    guard let shares else { return nil }
    return documents.filter { shares[$0.id]?.audience.contains(network) ?? false }
  }

  /// - Parameter shares: as they were. A network that may not hear of them does not hear of their end either.
  func withdraw(_ shares: [Share]) async {
    let network = link.passes.home
    let shares = shares.filter { $0.audience.contains(network) }
    guard !shares.isEmpty else { return }
    _ = await link.withdraw(shares.map(\.id), in: network)
    let documents = shares.map(\.document)
    let back = Set(await records(documents) { $0 })
    if !back.isEmpty {
      _ = await publish(documents.filter { back.contains($0.id) })
    }
  }

  /// The documents that are, or are not, shared now; none if the catalogue cannot be read.
  private func records(
    _ documents: [Document], where isWanted: (_ isShared: Bool) -> Bool
  ) async -> [DocumentID] {
    let shared = try? await pool.store { [catalogue] () throws(StoreError) in try catalogue.areShared(documents) }
    guard let shared else { return [] }
    return zip(documents, shared).filter { isWanted($0.1) }.map(\.0.id)
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
    for share in shares where share.state == .shared && share.audience.contains(network) {
      let verdict = ShareVerdict(share, found: FileObservation(at: share.path, known: share.fingerprint))
      if verdict != .keep { changed.notice(share.path) }
      if verdict != .withdraw { documents.append(share.document) }
    }
    let next = shares.count < Self.pageLength ? nil : shares.last?.id
    return .init(documents: next == nil ? documents + partial.all(in: network) : documents, next: next)
  }
}
