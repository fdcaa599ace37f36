/// The first page of an RFC, read as a person does: a header block (group, number, authors, date), then the title, then
/// the rest. Half a century of forms: fields, centred lines, front pages of reports, the journal system of the seventies.
struct FrontPage {
  private let number: UInt32
  /// Lines between blank ones.
  private let blocks: [[FrontPageLine]]

  private static let linesRead = 150
  /// A block of more lines is a paragraph.
  private static let mostTitleLines = 6

  init(bytes: some Collection<UInt8>, number: UInt32) {
    self.number = number
    blocks = TextLines.lines(of: bytes, limit: Self.linesRead).split(whereSeparator: \.isEmpty).map {
      $0.map(FrontPageLine.init)
    }
  }

  /// `nil` where nothing has the form of a title.
  var title: String? {
    let found = titleField ?? titleBeforeNumber ?? titleAfterHeader ?? titleInSomeHeading
    return found.map { withoutArticle(Self.withoutQuotes($0)) }
  }

  // MARK: Where titles stand

  /// A line "Title: …", with what follows it up to the next field.
  private var titleField: String? {
    for block in blocks.prefix(6) {
      for (position, line) in block.enumerated() where line.columns.first?.lowercased().hasPrefix("title:") ?? false {
        let name = line.columns.joined(separator: " ").dropFirst("title:".count)
        let following = block[(position + 1)...].prefix { line in
          !line.columns.contains { $0.contains(":") } && line.indent > 0
        }
        let title = joined([FrontPageLine(String(name))] + following)
        if !title.isEmpty, !title.lowercased().hasPrefix("author") { return title }
      }
    }
    return nil
  }

  /// On front pages of reports the title may come first, and "RFC N" alone below it.
  private var titleBeforeNumber: String? {
    guard let header = blocks.prefix(4).firstIndex(where: isHeader), header > 0, blocks[header].count <= 2,
      blocks[header].allSatisfy({ $0.columns.count == 1 })
    else { return nil }
    let before = blocks[header - 1]
    guard before.count <= 3, before.allSatisfy({ $0.indent >= 4 && $0.columns.count == 1 }) else { return nil }
    return joined(before)
  }

  private var titleAfterHeader: String? {
    guard let first = blocks.firstIndex(where: isHeader) else { return nil }
    var position = first
    var headerHasDate = false
    while position < blocks.count, isHeader(blocks[position]) || blocks[position].allSatisfy({ $0.isDate || $0.isRule })
    {
      if let title = titleBelow(blocks[position]) { return joined(title) }
      headerHasDate = headerHasDate || blocks[position].contains { $0.endsWithDate }
      position += 1
    }
    guard position < blocks.count else { return nil }
    let below = title(at: position, headerHasDate: headerHasDate)
    // What is not in the middle may be the first words of the text.
    return blocks[position].first?.isCentred == true ? below : title(inHeading: blocks[first]) ?? below
  }

  /// Lines in the middle below the date of a header, without a blank line between.
  private func titleBelow(_ header: [FrontPageLine]) -> [FrontPageLine]? {
    guard let date = header.lastIndex(where: { $0.endsWithDate && $0.columns.count > 1 }) else { return nil }
    let below = header[(date + 1)...]
    guard !below.isEmpty, below.allSatisfy({ ($0.isCentred || $0.isRule) && !$0.isHeader(number: number) }) else {
      return nil
    }
    return Array(below)
  }

  /// The block there, and those after it that belong to it.
  private func title(at start: Int, headerHasDate: Bool) -> String? {
    var position = start
    if isRemark(blocks[position]), position + 1 < blocks.count { position += 1 }
    var lines = blocks[position].prefix { !$0.isDate && !$0.endsTitle }
    guard !lines.isEmpty, lines.count <= Self.mostTitleLines, !isParagraph(lines) else { return nil }
    while position + 1 < blocks.count, let last = lines.last,
      belongs(position + 1, after: last, headerHasDate: headerHasDate)
    {
      position += 1
      lines += blocks[position]
    }
    return joined(Array(lines))
  }

  private func belongs(_ position: Int, after last: FrontPageLine, headerHasDate: Bool) -> Bool {
    let block = blocks[position]
    guard let first = block.first, block.count <= 3, block.allSatisfy({ $0.isCentred && !$0.endsTitle }),
      last.isCentred
    else { return false }
    if Self.isUnfinished(last.text) || Self.isContinuation(first.columns[0]) { return true }
    if block.allSatisfy(\.isDate) { return headerHasDate }
    // The last lines of a title stand right above the date of a front page.
    return !headerHasDate && position + 1 < blocks.count && blocks[position + 1].allSatisfy(\.isDate)
  }

  private var titleInSomeHeading: String? {
    blocks.lazy.compactMap(title(inHeading:)).first
  }

  /// The heading that pages have: "RFC N   title   date", or the two lines of the journal system.
  private func title(inHeading block: [FrontPageLine]) -> String? {
    guard let first = block.first, first.isHeader(number: number) else { return nil }
    if first.columns.count == 3, first.endsWithDate { return first.columns[1] }
    guard first.columns[0].lowercased().hasPrefix("nwg/rfc"), block.count > 1, !block[1].isHeader(number: number) else {
      return nil
    }
    return block[1].columns.last
  }

  // MARK: Forms

  private func isHeader(_ block: [FrontPageLine]) -> Bool {
    block.contains { $0.isHeader(number: number) }
  }

  /// A word on the state of the text above its title.
  private func isRemark(_ block: [FrontPageLine]) -> Bool {
    let text = joined(block).lowercased()
    return text == "working draft" || text == "draft" || text == "preliminary"
  }

  private func isParagraph(_ lines: ArraySlice<FrontPageLine>) -> Bool {
    lines.count > 2 && !lines.contains { $0.isCentred } && lines.last?.text.hasSuffix(".") == true
  }

  private static func isUnfinished(_ line: String) -> Bool {
    let word = line.split(separator: " ").last.map { $0.lowercased() } ?? ""
    return ["of", "for", "on", "the", "and", "in", "to", "with", "a", "an", "from", "by", "or"].contains(word)
      || word.hasSuffix(":") || word.hasSuffix(",") || word.hasSuffix("-")
  }

  private static func isContinuation(_ line: String) -> Bool {
    guard let first = line.first else { return false }
    return first.isLowercase || first == "-" || first == "("
  }

  private func joined(_ lines: [FrontPageLine]) -> String {
    var title = ""
    for line in lines where !line.isRule && !line.text.isEmpty {
      if !title.isEmpty, !(title.hasSuffix("-") && !title.hasSuffix(" -")) { title += " " }
      title += line.columns.joined(separator: " ")
    }
    return Self.withoutFootnote(title)
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

  /// The index of the RFCs names the older ones without the article that their titles begin with.
  private func withoutArticle(_ title: String) -> String {
    guard number < 1200, let space = title.firstIndex(of: " "),
      ["a", "an", "the"].contains(title[..<space].lowercased())
    else { return title }
    let rest = title[space...].drop { $0 == " " }
    return rest.prefix(1).uppercased() + rest.dropFirst()
  }
}
