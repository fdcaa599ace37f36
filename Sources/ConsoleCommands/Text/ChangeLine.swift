// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import WireProtocol

/// A change of a document as one line: time, change, key, size, title. Lines come one at a time, so the columns have fixed
/// widths; a longer key shifts the rest of its line.
package enum ChangeLine {
  private static let gap = "  "
  private static let keyWidth = 24
  private static let sizeWidth = 10
  private static let changeWidth = DocumentChange.allCases.map(\.rawValue.count).max() ?? 0

  /// - Parameters:
  ///   - clock: the time of day.
  ///   - width: of the terminal; `nil` cuts nothing. A key is never cut, because a part of it is useless.
  package static func text(of change: DocumentChange, _ document: Document, at clock: String, width: Int?) -> String {
    let key = TextRules.escapedForTerminal(document.key.text)
    let size = Quantity.size(document.content.size)
    let head = [clock, padded(change.rawValue, to: changeWidth), padded(key, to: keyWidth)].joined(separator: gap)
    let title = TextRules.escapedForTerminal(document.title.text)
    let line = ([head, padding(size, to: sizeWidth) + size] + (title.isEmpty ? [] : [title])).joined(separator: gap)
    let shortest = CellWidth.of([clock, padded(change.rawValue, to: changeWidth), key].joined(separator: gap))
    return (width.map { CellWidth.cut(line, to: max($0, shortest + 1)) } ?? line) + "\n"
  }

  /// `07:05:09`
  package static func clock(hour: Int, minute: Int, second: Int) -> String {
    [hour, minute, second].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
  }

  private static func padded(_ text: String, to width: Int) -> String { text + padding(text, to: width) }

  private static func padding(_ text: String, to width: Int) -> String {
    String(repeating: " ", count: max(width - CellWidth.of(text), 0))
  }
}
