// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import WireProtocol

/// What `list WORDS…` asks for, as a value.
package struct ListPlan: Equatable {
  package let request: ListDocuments
  /// What to ask for if the first request finds nothing: a word that ends in a slash may be meant as a word.
  package let alternative: ListDocuments?

  /// - Parameters:
  ///   - words: as typed. One that ends in a slash, such as `data/cats/`, is the beginning of keys.
  ///   - isFlat: whether such a word lists all documents below it instead of one level.
  package init(_ words: [String], collection: String?, limit: Int?, mine: Bool, isFlat: Bool) {
    let words = words.map { TextRules.normalized($0) }.filter { !$0.isEmpty }
    var asWords = ListDocuments(collection: collection, limit: limit, mine: mine)
    asWords.words = words.isEmpty ? nil : words.joined(separator: " ")
    guard let position = words.firstIndex(where: Self.isPrefix) else {
      (request, alternative) = (asWords, nil)
      return
    }
    var below = asWords
    below.prefix = words[position]
    below.level = !isFlat
    var others = words
    others.remove(at: position)
    below.words = others.isEmpty ? nil : others.joined(separator: " ")
    (request, alternative) = (below, asWords)
  }

  /// Whether a list without rows means that nothing matched, rather than that there is nothing.
  package var isNarrowed: Bool { request.words != nil || request.prefix != nil || request.collection != nil }

  private static func isPrefix(_ word: String) -> Bool {
    word.hasSuffix("/") && (try? DocumentKey(word + "1")) != nil
  }
}
