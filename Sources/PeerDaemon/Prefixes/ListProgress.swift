// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import WireProtocol

/// Follows the list of a prefix, which comes in the order of keys, and notices an index that sends pages without end. Rows
/// that were not asked for are left out.
package struct ListProgress: Sendable {
  /// Pages in a row without a new key. An index may end a page early.
  package static let maxFruitless = 256

  private let prefix: String
  private var last: DocumentKey?
  private var fruitless = 0

  /// - Parameter prefix: ends in a slash.
  package init(prefix: String) {
    self.prefix = prefix
  }

  /// Whether nothing new came for so long that the list is over.
  package var isStuck: Bool { fruitless >= Self.maxFruitless }

  /// The documents of the next page.
  package mutating func documents(of rows: [ListRow]) -> [DocumentListing] {
    let documents = Self.documents(of: rows, below: prefix)
    let key = documents.last?.document.key
    if let key, last.map({ $0.text.utf8.lexicographicallyPrecedes(key.text.utf8) }) ?? true {
      (last, fruitless) = (key, 0)
    } else {
      fruitless += 1
    }
    return documents
  }

  package static func documents(of rows: [ListRow], below prefix: String) -> [DocumentListing] {
    rows.compactMap { row in
      guard case .document(let listing) = row, listing.document.key.text.utf8.starts(with: prefix.utf8) else {
        return nil
      }
      return listing
    }
  }
}
