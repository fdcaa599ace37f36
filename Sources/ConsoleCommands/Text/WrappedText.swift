// SPDX-License-Identifier: Apache-2.0

/// Breaks texts into lines at spaces.
package enum WrappedText {
  /// Commands begin so. They stay on one line, which a terminal breaks without adding anything to what is copied.
  private static let commands = [": p2pctl ", ": sudo p2pctl "]

  /// Lines of at most `width` cells. What is longer than a line and has no space, such as a path, stays whole; so does a
  /// command at the end.
  package static func lines(_ text: String, width: Int) -> [String] {
    var lines = [String]()
    var line = ""
    for word in words(of: text) {
      if !line.isEmpty, CellWidth.of(line) + 1 + CellWidth.of(word) > width {
        lines.append(line)
        line = word
      } else {
        line += line.isEmpty ? word : " " + word
      }
    }
    return lines + [line]
  }

  /// A label and a text beside it. Later lines of the text are below its first one; on a narrow terminal all of it is below
  /// the label.
  /// - Parameters:
  ///   - style: how the label is shown.
  ///   - indent: cells of the label; the text follows them.
  ///   - width: `nil` breaks nothing.
  package static func beside(
    _ label: String, _ text: String, indent: Int, width: Int?, style: (String) -> String = { $0 }
  ) -> String {
    let padded = label + String(repeating: " ", count: max(1, indent - CellWidth.of(label)))
    guard let width, CellWidth.of(padded) + CellWidth.of(text) > width else { return style(padded) + text + "\n" }
    let isNarrow = width < indent + narrowest
    let margin = String(repeating: " ", count: isNarrow ? min(2, width / 10) : indent)
    let lines = lines(text, width: width - margin.count)
    guard isNarrow else { return style(padded) + lines.joined(separator: "\n" + margin) + "\n" }
    return (label.isEmpty ? "" : style(label) + "\n") + lines.map { margin + $0 + "\n" }.joined()
  }

  /// Fewer cells than this are no line of text.
  private static let narrowest = 20

  private static func words(of text: String) -> [String] {
    let command = commands.compactMap { text.firstRange(of: $0) }.min { $0.lowerBound < $1.lowerBound }
    guard let command else { return text.split(separator: " ").map(String.init) }
    let start = text.index(command.lowerBound, offsetBy: 2)
    return text[..<start].split(separator: " ").map(String.init) + [String(text[start...])]
  }
}
