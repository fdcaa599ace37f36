// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOPosix
import WireProtocol

/// Tells the index what the catalogue has come to say.
///
/// Several may change the catalogue at once, and what they tell the index may cross. So each looks at the catalogue again
/// after it has spoken, and takes back what is no longer so: the last word is always the catalogue's.
struct Publication: Sendable {
  let catalogue: Catalogue
  let link: IndexLink
  let pool: NIOThreadPool

  /// - Parameter waiting: whether to wait for a connection where there is none.
  /// - Returns: whether the index acknowledged all in time; where it did not, the next connection tells it.
  func publish(_ documents: [Document], waiting: Bool = true) async -> Bool {
    guard !documents.isEmpty else { return true }
    if !waiting, await !link.status.isConnected { return false }
    let isAcknowledged = await link.announce(documents)
    let gone = await records(documents) { !$0 }
    if !gone.isEmpty { _ = await link.withdraw(gone) }
    return isAcknowledged
  }

  func withdraw(_ shares: [Share]) async {
    guard !shares.isEmpty else { return }
    _ = await link.withdraw(shares.map { IndexRequest.RecordID(key: $0.key, content: $0.content) })
    let documents = shares.map(\.document)
    let back = Set(await records(documents) { $0 })
    if !back.isEmpty {
      _ = await publish(documents.filter { back.contains(.init(key: $0.key, content: $0.content)) })
    }
  }

  /// Those that are, or are not, shared now. None where the catalogue does not answer.
  private func records(
    _ documents: [Document], where isWanted: (_ isShared: Bool) -> Bool
  ) async -> [IndexRequest.RecordID] {
    let shared = try? await pool.store { [catalogue] () throws(StoreError) in try catalogue.areShared(documents) }
    guard let shared else { return [] }
    return zip(documents, shared).filter { isWanted($0.1) }.map { .init(key: $0.0.key, content: $0.0.content) }
  }
}
