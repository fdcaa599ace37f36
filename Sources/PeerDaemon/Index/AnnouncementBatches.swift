// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Cuts documents into requests that neither have more entries nor more bytes than the index takes.
package enum AnnouncementBatches {
  /// Batches that may be under way at once.
  static let window = 4
  /// Small enough that a slow line brings each one's answer before the connection counts as dead.
  static let maxBytes = 256 * 1024
  /// The rest of one entry: names of the members, content, size, time, punctuation.
  private static let fixedCost = 256

  /// An upper bound of the bytes of one entry on the wire: JSON escapes a quote and a backslash to two bytes, and keys
  /// and titles hold nothing that needs more.
  package static func cost(_ document: Document) -> Int {
    2 * (document.key.text.utf8.count + document.title.text.utf8.count) + fixedCost
  }

  package static func cut(_ documents: [Document], most: Int, bytes: Int) -> [ArraySlice<Document>] {
    var batches = [ArraySlice<Document>]()
    var start = documents.startIndex
    var cost = fixedCost
    for (index, document) in documents.enumerated() {
      let next = Self.cost(document)
      if index > start, index - start >= most || cost + next > bytes {
        batches.append(documents[start..<index])
        start = index
        cost = fixedCost
      }
      cost += next
    }
    if start < documents.endIndex { batches.append(documents[start...]) }
    return batches
  }
}
