// SPDX-License-Identifier: Apache-2.0

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
    let right = Self.pageWidth - text.count
    let tolerance = indent < Self.rightColumn ? max(10, indent / 2) : 10
    return columns.count == 1 && indent > 3 && abs(indent - right) <= tolerance
  }

  /// Right of the middle, in the column of authors and dates: further than the shortest title in the middle.
  var isRight: Bool { columns.count == 1 && indent >= Self.rightColumn && !isCentred }

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

  /// The last column is a year alone.
  var endsWithYear: Bool { endsWithNumber && columns.last?.count == 4 }

  var endsWithNumber: Bool { columns.last?.allSatisfy(\.isNumber) ?? false }

  /// A date in the columns of a header.
  var isDatedColumns: Bool { columns.count > 1 ? columns.contains(where: Self.isDate) : isRight && isDate }

  /// All of it is a date.
  var isDate: Bool { columns.count == 1 && Self.isDate(columns[0]) }

  /// What follows a title without a blank line between, or ends that of a front page made like that of a report.
  var endsTitle: Bool {
    ["by", "prepared by", "prepared for", "abstract", "contents", "table of contents", "status of the memo"].contains(
      heading)
      || heading.hasPrefix("prepared for the ") || heading.hasPrefix("status of this ")
  }

  /// The name of one of the first sections, as it stands in the middle of a line of its own.
  var isSectionHeading: Bool {
    endsTitle || Self.firstSections.contains(heading)
  }

  /// The words alone, without the number of a section before them and a colon or full stop after them.
  private var heading: String {
    let words = columns.joined(separator: " ").lowercased().split(separator: " ")
    let numbered = words.count > 1 && words[0].hasSuffix(".") && words[0].allSatisfy { "0123456789iv.".contains($0) }
    let text = (numbered ? words.dropFirst() : words[...]).joined(separator: " ")
    return text.hasSuffix(":") || text.hasSuffix(".") ? String(text.dropLast()) : text
  }

  // MARK: Forms

  private static let pageWidth = 72
  private static let rightColumn = 36

  private static let firstSections: Set<String> = [
    "introduction", "preface", "foreword", "overview", "summary", "background", "purpose", "scope", "acknowledgements",
    "acknowledgments", "acknowledgement", "acknowledgment", "copyright notice", "notice", "note", "iesg note",
  ]

  private static let issuers: Set<String> = [
    "network working group", "internet engineering task force", "internet engineering task force (ietf)",
    "internet architecture board", "internet architecture board (iab)", "internet research task force",
    "internet research task force (irtf)", "independent submission", "editorial stream", "n. w. g.", "nwg",
  ]

  /// What numbers in fields may stand behind.
  private static let series = ["rfcs", "rfc", "iens", "ien", "nic", "and"]

  /// How the name of the series begins: "comment", "comments" and their misspellings follow.
  private static let numberNames = [
    "request for com", "requests for com", "network working group request for com", "nwg/rfc", "rfc",
  ]

  /// Names of fields, which the name of a series may follow, then a colon, a number sign or a number follows.
  private static let fields = [
    "category", "categories", "obsoletes", "obsoleted by", "obsolete", "updates", "updated by", "update", "issn", "nic",
    "std", "bcp", "fyi", "ien", "rtr", "replaces", "references", "reference", "related rfcs", "related rfc",
    "rfc obsoleted", "rfc updated", "rfcs obsoleted", "rfcs updated", "date", "author", "authors", "distrib",
    "supersedes", "see also", "request for comments", "request for comment", "status",
  ]

  /// "Request for Comments: N", "RFC-N", "NWG/RFC# N" and what else stands for the number.
  private static func isNumber(_ column: String, of number: UInt32) -> Bool {
    for name in numberNames where column.hasPrefix(name) {
      let rest = column.dropFirst(name.count).drop(while: \.isLetter).drop { " :#-.,".contains($0) }
      guard rest.first?.isNumber == true else { continue }
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      let after = rest.dropFirst(digits.count)
      return UInt32(digits) == number && (after.isEmpty || after.first?.isLetter == false)
    }
    return false
  }

  /// "Obsoletes: …", "NIC #…", "Updates RFCs: …", "Obsoletes RFC-123, RFC-456".
  private static func isField(_ column: String) -> Bool {
    for field in fields where column.hasPrefix(field) {
      var rest = column.dropFirst(field.count).drop { $0 == " " }
      for name in series where rest.hasPrefix(name) {
        rest = rest.dropFirst(name.count).drop { " #-".contains($0) }
        break
      }
      guard let first = rest.first else { continue }
      if ":#".contains(first) || first == "-" && rest.dropFirst().first?.isNumber == true { return true }
      let words = rest.split { " ,;.()#-".contains($0) }
      if first.isNumber, words.allSatisfy({ $0.allSatisfy(\.isNumber) || series.contains(String($0)) }) { return true }
    }
    return false
  }

  private static let months = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
  ]

  /// A month, a year of two or four digits, perhaps a day, nothing else.
  private static func isDate(_ column: String) -> Bool {
    let words = column.lowercased().split { !$0.isLetter && !$0.isNumber }
    guard (2...5).contains(words.count) else { return false }
    let numbers = words.filter { $0.allSatisfy(\.isNumber) }
    let names = words.filter { word in word.count > 2 && months.contains { $0.hasPrefix(word) } }
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
