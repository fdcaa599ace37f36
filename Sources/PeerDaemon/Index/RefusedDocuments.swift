// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Documents that the index did not permit this peer to add, because of its role in a closed network or of a claim. They are
/// tried again: a publisher may share them later.
package struct RefusedDocuments: Sendable {
  /// What to announce when it is time to try again.
  package enum Retry: Equatable, Sendable {
    case documents([Document])
    /// More than are remembered one by one.
    case everything
  }

  /// Remembered one by one.
  package static let limit = 10_000

  private var documents: [DocumentID: Document] = [:]
  /// Refused ones that are not remembered.
  private var others = 0

  package init() {}

  package var count: Int { documents.count + others }
  package var isEmpty: Bool { count == 0 }

  package func contains(_ document: DocumentID) -> Bool { documents[document] != nil }

  /// A batch was added.
  /// - Parameter refused: positions in it.
  package mutating func added(_ batch: [Document], refused: [Int]) {
    if !isEmpty { for document in batch { documents[document.id] = nil } }
    for position in refused where batch.indices.contains(position) {
      if documents.count < Self.limit {
        documents[batch[position].id] = batch[position]
      } else {
        others += 1
      }
    }
  }

  package mutating func withdrawn(_ records: some Sequence<DocumentID>) {
    guard !isEmpty else { return }
    for record in records { documents[record] = nil }
  }

  /// It is time to try again; what is refused then is added again.
  package mutating func takeRetry() -> Retry? {
    guard !isEmpty else { return nil }
    guard others == 0 else {
      self = RefusedDocuments()
      return .everything
    }
    return .documents(documents.values.sorted { ($0.key, $0.content.root) < ($1.key, $1.content.root) })
  }
}
