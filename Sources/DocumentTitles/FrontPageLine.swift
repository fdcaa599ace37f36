/// A line of a front page and what its form says of it.
struct FrontPageLine {
  let text: String
  /// What stands apart by two spaces or more.
  let columns: [String]

  init(_ text: String) {
    self.text = text
    columns = Self.columns(of: text)
  }

  /// How many spaces come first.
  var indent: Int { text.prefix { $0 == " " }.count }

  /// About as far from the left as from the right of a page of 72 columns, where it is not as wide as the page.
  var isCentred: Bool {
    let right = 72 - text.count
    return columns.count == 1 && indent > 3 && abs(indent - right) <= max(10, indent / 2)
  }

  /// Nothing but dashes and the like: an underline.
  var isRule: Bool {
    columns.count == 1 && columns[0].allSatisfy { "-=_*~".contains($0) }
  }

  /// Part of the block that says group, number, category and what is replaced.
  func isHeader(number: UInt32) -> Bool {
    let columns = columns.map { $0.lowercased() }
    return columns.contains { Self.issuers.contains($0) || Self.isNumber($0, of: number) || Self.isField($0) }
      || Self.isNumber(columns.joined(separator: " "), of: number)
  }

  /// The last column is a date: what the heading of a page ends with.
  var endsWithDate: Bool { columns.last.map(Self.isDate) ?? false }

  /// All of it is a date.
  var isDate: Bool { columns.count == 1 && Self.isDate(columns[0]) }

  /// What follows a title on a front page made like that of a report.
  var endsTitle: Bool {
    let line = columns.joined(separator: " ").lowercased()
    return line == "by" || line.hasPrefix("by ") || line.hasPrefix("prepared ") || line.hasPrefix("status of ")
      || line == "abstract" || line.hasPrefix("introduction") || line.hasPrefix("table of ") || line == "contents"
  }

  // MARK: Forms

  private static let issuers: Set<String> = [
    "network working group", "internet engineering task force", "internet engineering task force (ietf)",
    "internet architecture board", "internet architecture board (iab)", "internet research task force",
    "internet research task force (irtf)", "independent submission", "editorial stream", "n. w. g.", "nwg",
  ]

  /// Names of fields, which a colon, a number sign or a number follows.
  private static let fields = [
    "category", "categories", "obsoletes", "obsoleted by", "obsolete", "updates", "updated by", "update", "issn", "nic",
    "std", "bcp", "fyi", "ien", "rtr", "replaces", "references", "reference", "related rfcs", "related rfc",
    "rfc obsoleted", "rfc updated", "rfcs obsoleted", "rfcs updated", "date", "author", "authors", "distrib",
    "supersedes", "see also", "request for comments", "request for comment", "status",
  ]

  /// "Request for Comments: N", "RFC-N", "NWG/RFC# N" and what else stands for the number.
  private static func isNumber(_ column: String, of number: UInt32) -> Bool {
    for name in ["request for comments", "request for comment", "nwg/rfc", "rfc"] where column.hasPrefix(name) {
      let rest = column.dropFirst(name.count).drop { " :#-.,".contains($0) }
      guard rest.first?.isNumber == true else { continue }
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      let after = rest.dropFirst(digits.count)
      return UInt32(digits) == number && (after.isEmpty || after.first?.isLetter == false)
    }
    return false
  }

  private static func isField(_ column: String) -> Bool {
    for field in fields where column.hasPrefix(field) {
      let rest = column.dropFirst(field.count).drop { $0 == " " }
      if let first = rest.first, ":#".contains(first) || first == "-" && rest.dropFirst().first?.isNumber == true {
        return true
      }
      let value = rest.hasPrefix("rfc") ? rest.dropFirst(3).drop { " s#-".contains($0) } : rest
      if let first = value.first, first.isNumber, value.allSatisfy({ $0.isNumber || " ,;.()#-".contains($0) }) {
        return true
      }
    }
    return false
  }

  private static let months = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]

  /// A month, a year of two or four digits, perhaps a day, nothing else.
  private static func isDate(_ column: String) -> Bool {
    let words = column.lowercased().split { !$0.isLetter && !$0.isNumber }
    guard (2...5).contains(words.count) else { return false }
    let numbers = words.filter { $0.allSatisfy(\.isNumber) }
    let names = words.filter { word in months.contains { word.hasPrefix($0) } && word.count <= 9 }
    if words.count == 3, numbers.count == 3 {
      return numbers.allSatisfy { $0.count <= 2 } || numbers.last?.count == 4
    }
    return names.count == 1 && names.count + numbers.count == words.count && numbers.allSatisfy { $0.count <= 4 }
  }

  private static func columns(of text: String) -> [String] {
    var columns = [String]()
    var column = ""
    var spaces = 0
    for character in text {
      if character == " " {
        spaces += 1
        continue
      }
      if spaces > 1, !column.isEmpty {
        columns.append(column)
        column = ""
      } else if spaces == 1, !column.isEmpty {
        column.append(" ")
      }
      spaces = 0
      column.append(character)
    }
    if !column.isEmpty { columns.append(column) }
    return columns
  }
}
