// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Finds number and title of an RFC in the name and the first bytes of its text file.
package enum RFCText {
  /// Bytes of a file that are used: the first page has the title, the next ones the running page header.
  package static let prefixLength = 65_536

  /// - Returns: the number in the file name `rfcN.txt` (case and leading zeros do not matter) and the title on the front
  ///   page, `nil` if none is recognised; `nil` for other file names.
  package static func recognise(fileName: String, bytes: [UInt8]) -> (number: UInt32, title: Title?)? {
    guard let number = number(fileName: fileName) else { return nil }
    let page = FrontPage(bytes: bytes.prefix(prefixLength), number: number)
    let title = page.title.map { Title(normalizing: $0) }
    return (number, title == .empty ? nil : title)
  }

  private static func number(fileName: String) -> UInt32? {
    let name = Array(fileName.lowercased().utf8)
    let (prefix, suffix) = (Array("rfc".utf8), Array(".txt".utf8))
    guard name.starts(with: prefix), name.suffix(suffix.count).elementsEqual(suffix) else { return nil }
    let digits = name.dropFirst(prefix.count).dropLast(suffix.count)
    guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return UInt32(String(decoding: digits, as: UTF8.self))
  }
}

/// Joins the lines of a title and writes it as the RFC index does.
enum TitleText {
  /// The first RFC whose title has its leading article in the index.
  private static let firstWithArticle = 1242

  static func joined(_ lines: some Sequence<FrontPageLine>) -> String {
    var title = ""
    for line in lines where !line.isRule && !line.text.isEmpty {
      if !title.isEmpty, !isBroken(title) { title += " " }
      title += line.columns.joined(separator: " ")
    }
    return withoutFootnote(title)
  }

  /// Whether the title continues after this line.
  static func isUnfinished(_ line: String) -> Bool {
    let word = line.split(separator: " ").last.map { $0.lowercased() } ?? ""
    return unfinished.contains(word) || [":", ",", "-", "/", "&", "'s"].contains { word.hasSuffix($0) }
  }

  /// Whether this line continues a title.
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

  /// Whether the line ends within a compound word.
  private static func isBroken(_ title: String) -> Bool {
    guard let last = title.last, last == "-" || last == "/" else { return false }
    return title.dropLast().last.map { $0.isLetter || $0.isNumber } ?? false
  }

  /// Removes a reference to a footnote: a digit in parentheses at the end.
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
