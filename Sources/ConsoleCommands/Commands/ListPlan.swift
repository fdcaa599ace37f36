// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import WireProtocol

/// What `list WORDS…` asks for, as a value.
package struct ListPlan: Equatable {
  package let request: ListDocuments
  /// What to ask for if the first request finds nothing: a word that ends in a slash may be meant as a word.
  package let alternative: ListDocuments?

  /// - Parameters:
  ///   - words: as typed. One that ends in a slash, such as `data/cats/`, is the beginning of keys; a slash alone is that
  ///     of all keys.
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
    below.prefix = words[position] == "/" ? "" : words[position]
    below.level = !isFlat
    var others = words
    others.remove(at: position)
    below.words = others.isEmpty ? nil : others.joined(separator: " ")
    (request, alternative) = (below, asWords)
  }

  /// Whether a list without rows means that nothing matched, rather than that there is nothing.
  package var isNarrowed: Bool { request.words != nil || request.prefix?.isEmpty == false || request.collection != nil }

  /// What to type if nothing was found; `nil` if there is nothing to suggest.
  package static func suggestion(for words: [String]) -> String? {
    let typed = words.joined(separator: " ")
    if let key = KeyGuess.rfc(typed), key.text != typed { return "Did you mean: p2pctl list \(key)" }
    let hasWords = words.contains { $0.contains { $0.isLetter || $0.isNumber } }
    return words.isEmpty || hasWords ? nil : "There are no letters or digits to search for. Everything: p2pctl list"
  }

  private static func isPrefix(_ word: String) -> Bool {
    word == "/" || word.endsInSlash && (try? DocumentKey(word + "1")) != nil
  }
}
