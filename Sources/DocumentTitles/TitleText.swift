// SPDX-License-Identifier: Apache-2.0

/// How the lines of a title become one, and how the index of the RFCs writes it.
enum TitleText {
  /// The first RFC whose title the index gives with the article that it begins with.
  private static let firstWithArticle = 1242

  static func joined(_ lines: some Sequence<FrontPageLine>) -> String {
    var title = ""
    for line in lines where !line.isRule && !line.text.isEmpty {
      if !title.isEmpty, !isBroken(title) { title += " " }
      title += line.columns.joined(separator: " ")
    }
    return withoutFootnote(title)
  }

  /// More must follow.
  static func isUnfinished(_ line: String) -> Bool {
    let word = line.split(separator: " ").last.map { $0.lowercased() } ?? ""
    return unfinished.contains(word) || [":", ",", "-", "/", "&", "'s"].contains { word.hasSuffix($0) }
  }

  /// Something must stand before it.
  static func isContinuation(_ line: String) -> Bool {
    guard let first = line.first else { return false }
    return first.isLowercase || first == "-" || first == "("
  }

  static func indexed(_ title: String, number: UInt32) -> String {
    let title = withoutFullStop(withoutQuotes(title))
    return number < firstWithArticle ? withoutArticle(title) : title
  }

  private static let unfinished: Set<String> = [
    "of", "for", "on", "the", "and", "in", "to", "with", "a", "an", "from", "by", "or", "via", "over", "as", "at",
    "into",
    "between", "using",
  ]

  /// The line ends within a compound word.
  private static func isBroken(_ title: String) -> Bool {
    guard let last = title.last, last == "-" || last == "/" else { return false }
    return title.dropLast().last.map { $0.isLetter || $0.isNumber } ?? false
  }

  /// A number in parentheses at the end refers to a footnote.
  private static func withoutFootnote(_ title: String) -> String {
    guard title.hasSuffix(")"), let open = title.lastIndex(of: "("), open > title.startIndex else { return title }
    let inside = title[title.index(after: open)...].dropLast()
    guard inside.count == 1, inside.allSatisfy(\.isNumber), title[title.index(before: open)] != " " else {
      return title
    }
    return String(title[..<open])
  }

  private static func withoutQuotes(_ title: String) -> String {
    guard title.count > 2, title.hasPrefix("\""), title.hasSuffix("\"") else { return title }
    let inside = title.dropFirst().dropLast()
    return inside.contains("\"") ? title : String(inside)
  }

  private static func withoutFullStop(_ title: String) -> String {
    var words = title[...]
    while let last = words.last, last == "." || last == " " { words.removeLast() }
    return words.isEmpty ? title : String(words)
  }

  private static func withoutArticle(_ title: String) -> String {
    guard let space = title.firstIndex(of: " "), ["a", "an", "the"].contains(title[..<space].lowercased()) else {
      return title
    }
    let rest = title[space...].drop { $0 == " " }
    return rest.prefix(1).uppercased() + rest.dropFirst()
  }
}
