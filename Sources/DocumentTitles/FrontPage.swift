// SPDX-License-Identifier: Apache-2.0

/// The first page of an RFC: a header block (group, number, authors, date), the title, the text. Recognises the layouts of
/// half a century: fields, centred lines, front pages of reports, the journal system of the 1970s.
struct FrontPage {
  private let number: UInt32
  private let blocks: [FrontPageBlock]

  private static let maxLines = 150
  /// Blocks searched for a header and a title.
  private static let maxBlocks = 40
  /// A block with more lines is a paragraph.
  private static let maxTitleLines = 6
  /// Maximum number of blank lines within a title.
  private static let maxGapInTitle = 2

  init(bytes: some Collection<UInt8>, number: UInt32) {
    self.number = number
    blocks = FrontPageBlock.blocks(of: TextLines.lines(of: bytes, limit: Self.maxLines), limit: Self.maxBlocks)
  }

  /// `nil` if nothing looks like a title.
  var title: String? {
    let found = titleField ?? titleBeforeNumber ?? titleAfterHeader ?? titleInSomeHeading
    return found.map { TitleText.indexed($0, number: number) }
  }

  // MARK: Positions of titles

  /// A "Title: …" field of the header, with its continuation lines.
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

  /// On front pages of reports: the title, perhaps authors, and "RFC N" alone below.
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
    // A block that is not centred may be the beginning of the text.
    let endsLikeText = start.lines.last?.text.hasSuffix(".") ?? false
    return (endsLikeText ? titleInSomeHeading : title(inHeading: blocks[first])) ?? below
  }

  /// Centred lines directly below the date of a header.
  private func titleBelow(_ header: ArraySlice<FrontPageLine>) -> ArraySlice<FrontPageLine>? {
    guard let date = header.lastIndex(where: \.isDatedColumns) else { return nil }
    let below = header[(date + 1)...].prefix { !$0.endsTitle }
    guard !below.isEmpty, below.allSatisfy({ ($0.isCentred || $0.isRule) && !$0.isHeader(number: number) }) else {
      return nil
    }
    return below
  }

  /// The title that begins with a block, including following blocks that belong to it.
  private func title(at start: Int, below header: ArraySlice<FrontPageBlock>) -> String? {
    var position = start
    if blocks[position].isRemark, position + 1 < blocks.count { position += 1 }
    let block = blocks[position].lines
    guard !block.allSatisfy(\.isSectionHeading) else { return nil }
    // If the header has a date, one in the title is part of the title.
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

  /// - Parameter complete: whether the header names authors and date, which then do not follow the title.
  private func belongs(_ position: Int, after last: FrontPageLine, complete: Bool) -> Bool {
    let block = blocks[position]
    guard let first = block.lines.first, block.lines.count <= 3, block.isCentred,
      !block.lines.contains(where: \.isSectionHeading), last.isCentred
    else { return false }
    if TitleText.isUnfinished(last.text) || TitleText.isContinuation(first.columns[0]) { return true }
    guard position + 1 < blocks.count else { return complete }
    // A line directly above a paragraph is its heading; on a front page the title ends directly above the date.
    let next = blocks[position + 1]
    return complete ? block.gap <= Self.maxGapInTitle && !next.isText : next.isDate && !block.isDate
  }

  private var titleInSomeHeading: String? {
    blocks.lazy.compactMap(title(inHeading:)).first
  }

  /// A running page header: "RFC N   title   date", or the two lines of the journal system.
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

  /// Whether the right column of the header has both.
  private func namesAuthorsAndDate(_ header: ArraySlice<FrontPageBlock>) -> Bool {
    let lines = header.flatMap(\.lines)
    return lines.contains(where: \.isDatedColumns)
      && lines.contains { $0.columns.count > 1 && !$0.endsWithDate && !$0.endsWithNumber || $0.isRight && !$0.isDate }
  }

  private func isParagraph(_ lines: ArraySlice<FrontPageLine>) -> Bool {
    lines.count > 2 && !lines.contains { $0.isCentred } && lines.last?.text.hasSuffix(".") == true
  }
}
