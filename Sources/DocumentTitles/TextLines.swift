// SPDX-License-Identifier: Apache-2.0

/// The lines of a text of unknown encoding, as they would be printed: without line terminators, form feeds, tabs, marks
/// of byte order, other controls and white space at the end.
struct TextLines {
  private static let tabWidth = 8
  /// What stands further to the right is dropped: lines of RFCs have 72 columns.
  private static let maxColumns = 256

  private let limit: Int
  private var lines = [String]()
  private var line = [Unicode.Scalar]()
  /// Where the next character is printed: at the end of the line, or further left after a backspace.
  private var column = 0

  /// At most `limit` lines.
  static func lines(of bytes: some Collection<UInt8>, limit: Int) -> [String] {
    var printer = TextLines(limit: limit)
    var previous: Unicode.Scalar = "\n"
    for scalar in decoded(bytes).unicodeScalars {
      guard printer.lines.count < limit else { break }
      if scalar != "\n" || previous != "\r" { printer.print(scalar) }
      previous = scalar
    }
    printer.endLine()
    return printer.lines
  }

  private init(limit: Int) {
    self.limit = limit
  }

  private mutating func print(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "\r", "\n", "\u{B}", "\u{C}":
      endLine()
    case "\t":
      for _ in 0..<(Self.tabWidth - column % Self.tabWidth) { strike(" ") }
    case "\u{8}":
      column = max(0, column - 1)
    case "\u{A0}":
      strike(" ")
    case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FEFF}":
      break
    default:
      strike(scalar)
    }
  }

  /// Underlining leaves the character that it is struck over.
  private mutating func strike(_ scalar: Unicode.Scalar) {
    guard column < Self.maxColumns else { return }
    if column == line.count {
      line.append(scalar)
    } else if scalar != "_", scalar != " " {
      line[column] = scalar
    }
    column += 1
  }

  private mutating func endLine() {
    guard lines.count < limit else { return }
    let end = line.lastIndex { $0 != " " }.map { $0 + 1 } ?? 0
    var text = String.UnicodeScalarView()
    text.append(contentsOf: line[..<end])
    lines.append(String(text))
    line.removeAll(keepingCapacity: true)
    column = 0
  }

  // MARK: Encodings

  /// UTF-8 where it is valid (but for a character cut off at the end), otherwise Windows-1252: Latin-1 with quotation
  /// marks and dashes where that has controls.
  private static func decoded(_ bytes: some Collection<UInt8>) -> String {
    for cut in 0...3 {
      if let text = String(validating: bytes.dropLast(cut), as: UTF8.self) { return text }
    }
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(windows1252[byte] ?? Unicode.Scalar(byte)) }
    return String(text)
  }

  private static let windows1252: [UInt8: Unicode.Scalar] = [
    0x85: "…", 0x91: "‘", 0x92: "’", 0x93: "“", 0x94: "”", 0x96: "–", 0x97: "—", 0x99: "™",
  ]
}
