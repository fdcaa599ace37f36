// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Finds the key that was probably meant by words that are none.
package enum KeyGuess {
  /// - Parameter words: of the command line; more than one if spaces were not quoted.
  /// - Returns: `nil` if the words are keys, or could mean anything.
  package static func key(for words: [String]) -> DocumentKey? {
    guard let first = words.first, words.count > 1 else { return words.first.flatMap(key) }
    if let key = rfc(words.joined(separator: " ")) { return key }
    // Several keys.
    guard !words.dropFirst().contains(where: isKey) else { return nil }
    if words.count == 2, first.lowercased() == DocumentKey.fileCollection {
      return try? DocumentKey(normalizing: "\(DocumentKey.fileCollection)/\(words[1])")
    }
    let joined = words.joined(separator: " ")
    return isKey(first) ? try? DocumentKey(normalizing: joined) : key(for: joined)
  }

  /// `rfc793`, `RFC 0793.txt` and `RFC/793` mean `rfc/793`.
  package static func rfc(_ typed: String) -> DocumentKey? {
    guard let match = typed.wholeMatch(of: /[Rr][Ff][Cc][-_ :\/]?([0-9]{1,9})(\.txt)?/) else { return nil }
    return try? DocumentKey(normalizing: String(match.1))
  }

  private static func key(for typed: String) -> DocumentKey? {
    // A prefix may be meant.
    guard !isKey(typed), !typed.endsInSlash else { return nil }
    if let key = rfc(typed) { return key }
    if isPath(typed) {
      guard let name = typed.segments().last.map(String.init) else { return nil }
      return rfc(name) ?? file(name)
    }
    guard let slash = typed.utf8.firstIndex(of: UInt8(ascii: "/")) else { return file(typed) }
    let collection = typed[..<slash].lowercased()
    return collection == typed[..<slash] ? nil : try? DocumentKey(normalizing: collection + typed[slash...])
  }

  /// `paper.pdf` is probably shared under the name of its file.
  private static func file(_ name: String) -> DocumentKey? {
    try? DocumentKey(normalizing: "\(DocumentKey.fileCollection)/\(name)")
  }

  private static func isKey(_ typed: String) -> Bool { (try? DocumentKey.typed(typed)) != nil }

  private static func isPath(_ typed: String) -> Bool {
    ["/", "./", "../", "~/"].contains { typed.utf8.starts(with: $0.utf8) }
  }
}
