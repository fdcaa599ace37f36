/// The lines of a text of unknown encoding, as they would be printed: without line terminators, form feeds, tabs, marks
/// of byte order and white space at the end.
enum TextLines {
  private static let tabWidth = 8
  /// What stands further to the right is dropped: lines of RFCs have 72 columns.
  private static let mostColumns = 256

  /// At most `limit` lines.
  static func lines(of bytes: some Collection<UInt8>, limit: Int) -> [String] {
    var lines = [String]()
    var line = [Unicode.Scalar]()
    var previous: Unicode.Scalar = "\n"
    for scalar in decoded(bytes).unicodeScalars where lines.count < limit {
      switch scalar {
      case "\n" where previous == "\r", "\u{FEFF}":
        break
      case "\r", "\n", "\u{C}":
        lines.append(finished(line))
        line = []
      case "\t":
        let width = tabWidth - line.count % tabWidth
        line += repeatElement(" ", count: min(width, mostColumns - line.count))
      case "\u{8}":
        // Struck over: what is printed last stays.
        _ = line.popLast()
      default:
        if line.count < mostColumns { line.append(scalar) }
      }
      previous = scalar
    }
    if lines.count < limit { lines.append(finished(line)) }
    return lines
  }

  /// UTF-8 where it is valid (but for a character cut off at the end), otherwise Latin-1, in which every byte means
  /// something.
  private static func decoded(_ bytes: some Collection<UInt8>) -> String {
    for cut in 0...3 {
      if let text = String(validating: bytes.dropLast(cut), as: UTF8.self) { return text }
    }
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(Unicode.Scalar(byte)) }
    return String(text)
  }

  private static func finished(_ line: [Unicode.Scalar]) -> String {
    let end = line.lastIndex { $0 != " " && $0 != "\u{A0}" }.map { $0 + 1 } ?? 0
    var text = String.UnicodeScalarView()
    text.append(contentsOf: line[..<end])
    return String(text)
  }
}
