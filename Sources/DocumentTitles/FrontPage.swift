// SPDX-License-Identifier: Apache-2.0

/// The first page of an RFC, read as a person does: a header block (group, number, authors, date), then the title, then
/// the rest. Half a century of forms: fields, centred lines, front pages of reports, the journal system of the seventies.
struct FrontPage {
  private let number: UInt32
  private let blocks: [FrontPageBlock]

  private static let linesRead = 150
  /// Blocks that may hold a header or a title: no page of that length has more above its title.
  private static let blocksRead = 40
  /// A block of more lines is a paragraph.
  private static let maxTitleLines = 6
  /// What stands further below a title has another purpose.
  private static let widestGapInTitle = 2

  init(bytes: some Collection<UInt8>, number: UInt32) {
    self.number = number
    blocks = FrontPageBlock.blocks(of: TextLines.lines(of: bytes, limit: Self.linesRead), limit: Self.blocksRead)
  }

  /// `nil` where nothing has the form of a title.
  var title: String? {
    let found = titleField ?? titleBeforeNumber ?? titleAfterHeader ?? titleInSomeHeading
    return found.map { TitleText.indexed($0, number: number) }
  }

  // MARK: Where titles stand

  /// A line "Title: …" among the fields of the header, with what follows it up to the next field.
  private var titleField: String? {
    for lines in blocks.prefix(6).map(\.lines) {
      for (position, line) in zip(lines.indices, lines)
      where line.columns.first?.lowercased().hasPrefix("title:") ?? false {
        let name = line.columns.joined(separator: " ").dropFirst("title:".count)
        let following = lines[(position + 1)...].prefix { line in
          !line.columns.contains { $0.contains(":") } && line.indent > 0
        }
        let title = TitleText.joined([FrontPageLine(String(name))] + following)
        if !title.isEmpty, !title.lowercased().hasPrefix("author") { return title }
      }
    }
    return nil
  }

  /// On front pages of reports the title may come first, perhaps its authors, and "RFC N" alone below.
  private var titleBeforeNumber: String? {
    guard let header = blocks.prefix(6).firstIndex(where: isHeader), header > 0, blocks[header].lines.count <= 2,
      blocks[header].lines.allSatisfy({ $0.columns.count == 1 })
    else { return nil }
    let before = blocks[..<header]
    guard before.allSatisfy({ $0.lines.count <= 3 && $0.lines.allSatisfy { $0.indent >= 4 && $0.columns.count == 1 } })
    else { return nil }
    return before.first.map { TitleText.joined($0.lines) }
  }

  private var titleAfterHeader: String? {
    guard let first = blocks.firstIndex(where: isHeader) else { return nil }
    let header = blocks[first...].prefix { isHeader($0) || $0.isRestOfHeader }
    for block in header {
      if let title = titleBelow(block.lines) { return TitleText.joined(title) }
    }
    guard header.endIndex < blocks.count else { return nil }
    let start = blocks[header.endIndex]
    let below = title(at: header.endIndex, below: header)
    guard start.lines.first?.isCentred != true else { return below }
    // What is not in the middle may be the first words of the text.
    let endsLikeText = start.lines.last?.text.hasSuffix(".") ?? false
    return (endsLikeText ? titleInSomeHeading : title(inHeading: blocks[first])) ?? below
  }

  /// Lines in the middle below the date of a header, without a blank line between.
  private func titleBelow(_ header: ArraySlice<FrontPageLine>) -> ArraySlice<FrontPageLine>? {
    guard let date = header.lastIndex(where: \.isDatedColumns) else { return nil }
    let below = header[(date + 1)...].prefix { !$0.endsTitle }
    guard !below.isEmpty, below.allSatisfy({ ($0.isCentred || $0.isRule) && !$0.isHeader(number: number) }) else {
      return nil
    }
    return below
  }

  /// The block there, and those after it that belong to it.
  private func title(at start: Int, below header: ArraySlice<FrontPageBlock>) -> String? {
    var position = start
    if blocks[position].isRemark, position + 1 < blocks.count { position += 1 }
    let block = blocks[position].lines
    guard !block.allSatisfy(\.isSectionHeading) else { return nil }
    // A date in a title is that of what it reports on, where the text has its own above.
    let complete = namesAuthorsAndDate(header)
    var lines = block.prefix { !$0.endsTitle && (complete || !$0.isDate) }
    guard !lines.isEmpty, lines.count <= Self.maxTitleLines, !isParagraph(lines) else { return nil }
    guard lines.count == block.count else { return TitleText.joined(lines) }
    while position + 1 < blocks.count, let last = lines.last, belongs(position + 1, after: last, complete: complete) {
      position += 1
      lines += blocks[position].lines
    }
    return TitleText.joined(lines)
  }

  /// `complete`: authors and date stand in the header, so that they need not follow.
  private func belongs(_ position: Int, after last: FrontPageLine, complete: Bool) -> Bool {
    let block = blocks[position]
    guard let first = block.lines.first, block.lines.count <= 3, block.isCentred,
      !block.lines.contains(where: \.isSectionHeading), last.isCentred
    else { return false }
    if TitleText.isUnfinished(last.text) || TitleText.isContinuation(first.columns[0]) { return true }
    guard position + 1 < blocks.count else { return complete }
    // Right above a paragraph stands its heading; the last lines of a title stand right above the date of a front page.
    let next = blocks[position + 1]
    return complete ? block.gap <= Self.widestGapInTitle && !next.isText : next.isDate && !block.isDate
  }

  private var titleInSomeHeading: String? {
    blocks.lazy.compactMap(title(inHeading:)).first
  }

  /// The heading that pages have: "RFC N   title   date", or the two lines of the journal system.
  private func title(inHeading block: FrontPageBlock) -> String? {
    guard let first = block.lines.first, first.isHeader(number: number) else { return nil }
    if first.columns.count == 3, first.endsWithDate || first.endsWithYear { return first.columns[1] }
    guard first.columns[0].lowercased().hasPrefix("nwg/rfc"), let second = block.lines.dropFirst().first,
      !second.isHeader(number: number)
    else { return nil }
    return second.columns.last
  }

  // MARK: Forms

  private func isHeader(_ block: FrontPageBlock) -> Bool {
    block.isHeader(number: number)
  }

  /// In the right column.
  private func namesAuthorsAndDate(_ header: ArraySlice<FrontPageBlock>) -> Bool {
    let lines = header.flatMap(\.lines)
    return lines.contains(where: \.isDatedColumns)
      && lines.contains { $0.columns.count > 1 && !$0.endsWithDate && !$0.endsWithNumber || $0.isRight && !$0.isDate }
  }

  private func isParagraph(_ lines: ArraySlice<FrontPageLine>) -> Bool {
    lines.count > 2 && !lines.contains { $0.isCentred } && lines.last?.text.hasSuffix(".") == true
  }
}
