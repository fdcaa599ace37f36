// SPDX-License-Identifier: Apache-2.0

/// Where in the text the names stand, for messages: the parser tells the place of a syntax error only.
///
/// It knows headers in brackets and `name = …` lines, quoted and dotted. What it does not find (inside inline tables) has
/// no line in its message; a look-alike inside a string of several lines may give a wrong one.
struct KeyLines {
  private var lines: [[String]: Int] = [:]

  init(_ text: String) {
    var header: [String] = []
    var number = 0
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      number += 1
      let content = line.drop { $0 == " " || $0 == "\t" }
      let isHeader = content.first == "["
      guard let names = Self.names(isHeader ? content.drop { $0 == "[" } : content, end: isHeader ? "]" : "=")
      else { continue }
      if isHeader { header = names }
      let path = isHeader ? names : header + names
      // A table that is only implied by a longer name is where that name stands.
      for length in 1...max(path.count, 1) where lines[Array(path.prefix(length))] == nil {
        lines[Array(path.prefix(length))] = number
      }
    }
  }

  func line(of path: [String]) -> Int? { lines[path] }

  /// The parts of a dotted name; `nil` where the text does not begin with one that `end` follows.
  private static func names(_ text: Substring, end: Character) -> [String]? {
    var names: [String] = []
    var rest = text
    while true {
      rest = rest.drop { $0 == " " || $0 == "\t" }
      guard let first = rest.first else { return nil }
      let name: Substring
      if first == "\"" || first == "'" {
        rest = rest.dropFirst()
        name = rest.prefix { $0 != first }
        rest = rest.dropFirst(name.count + 1)
      } else {
        name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
        rest = rest.dropFirst(name.count)
      }
      guard !name.isEmpty else { return nil }
      names.append(String(name))
      rest = rest.drop { $0 == " " || $0 == "\t" }
      if rest.first == end { return names }
      guard rest.first == "." else { return nil }
      rest = rest.dropFirst()
    }
  }
}
