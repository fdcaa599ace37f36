// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Synchronization

/// The documents of which this peer offers the part that it has.
final class PartialDocuments: Sendable {
  private let documents = Mutex<[DocumentID: (document: Document, home: Home)]>([:])

  /// Those of which a network may hear.
  func all(in network: Home) -> [Document] {
    documents.withLock { $0.values.filter { $0.home == network }.map(\.document) }
  }

  func contains(_ id: DocumentID) -> Bool { documents.withLock { $0[id] != nil } }

  func insert(_ document: Document, in home: Home) {
    documents.withLock { $0[document.id] = (document.partial, home) }
  }

  func remove(_ id: DocumentID) {
    documents.withLock { $0[id] = nil }
  }
}

/// Announces downloads as partial holdings, in the order of the calls, none of which waits for the index.
final class PartialPublication: Sendable {
  private let documents: PartialDocuments
  private let publication: Publication
  private let last = Mutex<Task<Void, Never>?>(nil)

  init(_ documents: PartialDocuments, _ publication: Publication) {
    self.documents = documents
    self.publication = publication
  }

  /// Without a connection the next one announces it.
  /// - Parameter home: the only network that may hear of it.
  func announce(_ document: Document, in home: Home) {
    documents.insert(document, in: home)
    enqueue { [documents, publication] in
      guard documents.contains(document.id), await publication.link.status.isConnected else { return }
      _ = await publication.link.announce([document.partial], in: home)
      // It may have been completed, or withdrawn, meanwhile.
      if !documents.contains(document.id) { _ = await publication.publish([document]) }
    }
  }

  /// - Parameter isComplete: whether the document is announced as a whole instead. If not, the index hears of a file that has it.
  func withdraw(_ document: Document, in home: Home, isComplete: Bool) {
    documents.remove(document.id)
    guard !isComplete else { return }
    enqueue { [documents, publication] in
      guard !documents.contains(document.id) else { return }
      await publication.withdraw([document.id], in: home)
    }
  }

  private func enqueue(_ body: @escaping @Sendable () async -> Void) {
    last.withLock { last in
      last = Task { [last] in
        await last?.value
        await body()
      }
    }
  }
}
