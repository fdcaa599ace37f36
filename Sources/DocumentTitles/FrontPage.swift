/// The first page of an RFC, read as a person does: a header block (group, number, authors, date), then the title, then
/// the rest. Half a century of forms: fields, centred lines, front pages of reports, the journal system of the seventies.
struct FrontPage {
  /// Lines between blank ones.
  private typealias Block = ArraySlice<FrontPageLine>

  private let number: UInt32
  private let blocks: [Block]

  private static let linesRead = 150
  /// Blocks that may hold a header or a title: no page of that length has more lines above its title.
  private static let blocksRead = 40
  /// A block of more lines is a paragraph.
  private static let mostTitleLines = 6
  /// A line of more columns is one of a paragraph, where it does not stand in the middle.
  private static let widthOfText = 50

  init(bytes: some Collection<UInt8>, number: UInt32) {
    self.number = number
    blocks = TextLines.lines(of: bytes, limit: Self.linesRead).split(whereSeparator: \.isEmpty).prefix(Self.blocksRead)
      .map { $0.map(FrontPageLine.init)[...] }
  }

  /// `nil` where nothing has the form of a title.
  var title: String? {
    let found = titleField ?? titleBeforeNumber ?? titleAfterHeader ?? titleInSomeHeading
    return found.map { TitleText.indexed($0, number: number) }
  }

  // MARK: Where titles stand

  /// A line "Title: …" among the fields of the header, with what follows it up to the next field.
  private var titleField: String? {
    for block in blocks.prefix(6) {
      for (position, line) in zip(block.indices, block)
      where line.columns.first?.lowercased().hasPrefix("title:") ?? false {
        let name = line.columns.joined(separator: " ").dropFirst("title:".count)
        let following = block[(position + 1)...].prefix { line in
          !line.columns.contains { $0.contains(":") } && line.indent > 0
        }
        let title = TitleText.joined([FrontPageLine(String(name))] + following)
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
    return TitleText.joined(before)
  }

  private var titleAfterHeader: String? {
    guard let first = blocks.firstIndex(where: isHeader) else { return nil }
    var position = first
    var headerHasDate = false
    while position < blocks.count, isPartOfHeader(blocks[position]) {
      if let title = titleBelow(blocks[position]) { return TitleText.joined(title) }
      headerHasDate = headerHasDate || blocks[position].contains(where: \.isDatedColumns)
      position += 1
    }
    guard position < blocks.count else { return nil }
    let below = title(at: position, headerHasDate: headerHasDate)
    guard blocks[position].first?.isCentred != true else { return below }
    // What is not in the middle may be the first words of the text.
    let endsLikeText = blocks[position].last?.text.hasSuffix(".") ?? false
    return (endsLikeText ? titleInSomeHeading : title(inHeading: blocks[first])) ?? below
  }

  /// Lines in the middle below the date of a header, without a blank line between.
  private func titleBelow(_ header: Block) -> Block? {
    guard let date = header.lastIndex(where: \.isDatedColumns) else { return nil }
    let below = header[(date + 1)...].prefix { !$0.endsTitle }
    guard !below.isEmpty, below.allSatisfy({ ($0.isCentred || $0.isRule) && !$0.isHeader(number: number) }) else {
      return nil
    }
    return below
  }

  /// The block there, and those after it that belong to it.
  private func title(at start: Int, headerHasDate: Bool) -> String? {
    var position = start
    if isRemark(blocks[position]), position + 1 < blocks.count { position += 1 }
    guard !blocks[position].allSatisfy(\.isSectionHeading) else { return nil }
    // A date in a title is that of what it reports on; the text has its own above.
    var lines = blocks[position].prefix { !$0.endsTitle && (headerHasDate || !$0.isDate) }
    guard !lines.isEmpty, lines.count <= Self.mostTitleLines, !isParagraph(lines) else { return nil }
    guard lines.count == blocks[position].count else { return TitleText.joined(lines) }
    while position + 1 < blocks.count, let last = lines.last,
      belongs(position + 1, after: last, headerHasDate: headerHasDate)
    {
      position += 1
      lines = Block(lines + blocks[position])
    }
    return TitleText.joined(lines)
  }

  private func belongs(_ position: Int, after last: FrontPageLine, headerHasDate: Bool) -> Bool {
    let block = blocks[position]
    guard let first = block.first, block.count <= 3, block.allSatisfy({ $0.isCentred && !$0.isSectionHeading }),
      last.isCentred
    else { return false }
    if TitleText.isUnfinished(last.text) || TitleText.isContinuation(first.columns[0]) { return true }
    guard position + 1 < blocks.count else { return headerHasDate }
    // Right above a paragraph stands its heading. Where the header has no date, the last lines of a title stand right
    // above the date of a front page.
    let next = blocks[position + 1]
    return headerHasDate ? !isText(next) : next.allSatisfy(\.isDate) && !block.allSatisfy(\.isDate)
  }

  private var titleInSomeHeading: String? {
    blocks.lazy.compactMap(title(inHeading:)).first
  }

  /// The heading that pages have: "RFC N   title   date", or the two lines of the journal system.
  private func title(inHeading block: Block) -> String? {
    guard let first = block.first, first.isHeader(number: number) else { return nil }
    if first.columns.count == 3, first.endsWithDate || first.endsWithYear { return first.columns[1] }
    guard first.columns[0].lowercased().hasPrefix("nwg/rfc"), let second = block.dropFirst().first,
      !second.isHeader(number: number)
    else { return nil }
    return second.columns.last
  }

  // MARK: Forms

  private func isHeader(_ block: Block) -> Bool {
    block.contains { $0.isHeader(number: number) }
  }

  /// A header, or a part of one that a blank line sets off: dates, rules, what is left of the column of authors.
  private func isPartOfHeader(_ block: Block) -> Bool {
    isHeader(block) || block.allSatisfy { $0.isDate || $0.isRule || $0.isRight }
  }

  /// A word on the state of the text above its title.
  private func isRemark(_ block: Block) -> Bool {
    let text = TitleText.joined(block).lowercased()
    return text == "working draft" || text == "draft" || text == "preliminary"
  }

  private func isParagraph(_ lines: Block) -> Bool {
    lines.count > 2 && !lines.contains { $0.isCentred } && lines.last?.text.hasSuffix(".") == true
  }

  private func isText(_ block: Block) -> Bool {
    block.count > 1 && block.contains { !$0.isCentred && $0.text.count - $0.indent > Self.widthOfText }
  }
}
