// SPDX-License-Identifier: Apache-2.0

/// A line of a front page, classified by its form.
struct FrontPageLine {
  let text: String
  /// Parts separated by two or more spaces.
  let columns: [String]

  init(_ text: String) {
    self.text = text
    columns = Self.columns(of: text)
  }

  /// Number of leading spaces.
  var indent: Int { text.prefix { $0 == " " }.count }

  /// Whether it is centred on a page of 72 columns and narrower than the page.
  var isCentred: Bool {
    let right = Self.pageWidth - text.count
    let tolerance = indent < Self.rightColumn ? max(10, indent / 2) : 10
    return columns.count == 1 && indent > 3 && abs(indent - right) <= tolerance
  }

  /// Whether it is in the right column of authors and dates.
  var isRight: Bool { columns.count == 1 && indent >= Self.rightColumn && !isCentred }

  /// Only dashes and the like: an underline.
  var isRule: Bool {
    columns.count == 1 && columns[0].allSatisfy { "-=_*~".contains($0) }
  }

  /// Whether it names group, number, category or a replaced document.
  func isHeader(number: UInt32) -> Bool {
    let columns = columns.map { $0.lowercased() }
    return columns.contains { Self.issuers.contains($0) || Self.isNumber($0, of: number) || Self.isField($0) }
      || Self.isNumber(columns.joined(separator: " "), of: number)
  }

  /// Whether the last column is a date, as in a running page header.
  var endsWithDate: Bool { columns.last.map(Self.isDate) ?? false }

  /// Whether the last column is a year.
  var endsWithYear: Bool { endsWithNumber && columns.last?.count == 4 }

  var endsWithNumber: Bool { columns.last?.allSatisfy(\.isNumber) ?? false }

  /// Whether a column of a header is a date.
  var isDatedColumns: Bool { columns.count > 1 ? columns.contains(where: Self.isDate) : isRight && isDate }

  /// Whether the whole line is a date.
  var isDate: Bool { columns.count == 1 && Self.isDate(columns[0]) }

  /// Whether it ends a title without a blank line, or on the front page of a report.
  var endsTitle: Bool {
    ["by", "prepared by", "prepared for", "abstract", "contents", "table of contents", "status of the memo"].contains(
      heading)
      || heading.hasPrefix("prepared for the ") || heading.hasPrefix("status of this ")
  }

  /// Whether it is the heading of a usual first section.
  var isSectionHeading: Bool {
    endsTitle || Self.firstSections.contains(heading)
  }

  /// The lower-case words without section number and final colon or full stop.
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

  /// Names of series before numbers in fields.
  private static let series = ["rfcs", "rfc", "iens", "ien", "nic", "and"]

  /// Prefixes of the name of the series, before "comment", "comments" and misspellings.
  private static let numberNames = [
    "request for com", "requests for com", "network working group request for com", "nwg/rfc", "rfc",
  ]

  /// Names of fields, followed by an optional name of a series and a colon, a number sign or a number.
  private static let fields = [
    "category", "categories", "obsoletes", "obsoleted by", "obsolete", "updates", "updated by", "update", "issn", "nic",
    "std", "bcp", "fyi", "ien", "rtr", "replaces", "references", "reference", "related rfcs", "related rfc",
    "rfc obsoleted", "rfc updated", "rfcs obsoleted", "rfcs updated", "date", "author", "authors", "distrib",
    "supersedes", "see also", "request for comments", "request for comment", "status",
  ]

  /// "Request for Comments: N", "RFC-N", "NWG/RFC# N" and other forms of the number.
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

  /// A month, a year of two or four digits and an optional day.
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

/// Consecutive lines without a blank line.
struct FrontPageBlock {
  let lines: ArraySlice<FrontPageLine>
  /// Number of blank lines above.
  let gap: Int

  /// A longer line that is not centred belongs to a paragraph.
  private static let maxTitleWidth = 50

  /// The first `limit` blocks.
  static func blocks(of lines: [String], limit: Int) -> [FrontPageBlock] {
    var blocks = [FrontPageBlock]()
    var block = [FrontPageLine]()
    var gap = 0
    for line in lines + [""] where blocks.count < limit {
      if !line.isEmpty {
        block.append(FrontPageLine(line))
      } else if block.isEmpty {
        gap += 1
      } else {
        blocks.append(FrontPageBlock(lines: block[...], gap: gap))
        block = []
        gap = 1
      }
    }
    return blocks
  }

  func isHeader(number: UInt32) -> Bool {
    lines.contains { $0.isHeader(number: number) }
  }

  /// A part of the header after a blank line: dates, rules, the rest of the authors' column.
  var isRestOfHeader: Bool { lines.allSatisfy { $0.isDate || $0.isRule || $0.isRight } }

  var isDate: Bool { lines.allSatisfy(\.isDate) }

  var isCentred: Bool { lines.allSatisfy(\.isCentred) }

  /// A status remark above the title.
  var isRemark: Bool {
    ["working draft", "draft", "preliminary"].contains(TitleText.joined(lines).lowercased())
  }

  /// Whether the lines are as long as those of a paragraph.
  var isText: Bool {
    lines.count > 1 && lines.contains { !$0.isCentred && $0.text.count - $0.indent > Self.maxTitleWidth }
  }
}
