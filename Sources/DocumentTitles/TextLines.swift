// SPDX-License-Identifier: Apache-2.0

/// Splits a text of unknown encoding into lines as they would be printed: without terminators, form feeds, tabs, byte order
/// marks, other control characters and trailing white space.
struct TextLines {
  private static let tabWidth = 8
  /// Columns beyond are dropped; lines of RFCs have 72.
  private static let maxColumns = 256

  private let limit: Int
  private var lines = [String]()
  private var line = [Unicode.Scalar]()
  /// Position of the next character: the end of the line, or further left after a backspace.
  private var column = 0

  /// The first `limit` lines.
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

  /// Prints a character. An underline over a character keeps the character.
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

  /// UTF-8 if valid (the last character may be cut off), otherwise Windows-1252.
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
