// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import WireProtocol

/// What `watch WORDS…` asks for.
package enum WatchPlan {
  /// - Parameter words: as typed. A single key is that key. One that ends in a slash, such as `data/cats/`, is the beginning of
  ///   keys; a slash alone is that of all keys. Others are words.
  package static func filter(for words: [String]) -> DocumentFilter {
    let words = words.map { TextRules.normalized($0) }.filter { !$0.isEmpty }
    if words.count == 1, let key = try? DocumentKey(normalizing: words[0]) { return DocumentFilter(key: key) }
    let list = ListPlan(words, collection: nil, limit: nil, mine: false, isFlat: true).request
    return DocumentFilter(prefix: list.prefix?.isEmpty == true ? nil : list.prefix, words: list.words ?? "")
  }
}
