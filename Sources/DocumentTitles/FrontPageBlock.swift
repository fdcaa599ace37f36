// SPDX-License-Identifier: Apache-2.0

/// Lines without a blank one between.
struct FrontPageBlock {
  let lines: ArraySlice<FrontPageLine>
  /// How many blank lines are above it.
  let gap: Int

  /// A line of more columns is one of a paragraph, where it does not stand in the middle.
  private static let widthOfText = 50

  /// At most `limit` of them.
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

  /// What a blank line sets off from a header: dates, rules, what is left of the column of authors.
  var isRestOfHeader: Bool { lines.allSatisfy { $0.isDate || $0.isRule || $0.isRight } }

  var isDate: Bool { lines.allSatisfy(\.isDate) }

  var isCentred: Bool { lines.allSatisfy(\.isCentred) }

  /// A word on the state of the text above its title.
  var isRemark: Bool {
    ["working draft", "draft", "preliminary"].contains(TitleText.joined(lines).lowercased())
  }

  /// Lines as long as those of a paragraph are.
  var isText: Bool {
    lines.count > 1 && lines.contains { !$0.isCentred && $0.text.count - $0.indent > Self.widthOfText }
  }
}
