// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// Random lines: valid ones with every freedom that the grammar leaves, and broken ones made of them.
struct LineGenerator {
  private var random: SeededGenerator
  private static let texts = [
    "", "id", "a", "op", "key", "rfc/793", "é", "€", "𝄞", "a\u{301}", "\u{7F}", "\u{FFFF}", "\u{10FFFF}",
    "longer than a word or two",
  ]
  private static let escapes = [
    #"\""#, #"\\"#, #"\/"#, #"\b"#, #"\f"#, #"\n"#, #"\r"#, #"\t"#, #"\u0001"#, #"\u0061"#, #"\u00e9"#, #"\u20AC"#,
    #"\uD834\uDD1E"#, #"\uFFFF"#,
  ]
  private static let numbers = [
    "0", "-0", "1", "-1", "10", "9223372036854775807", "-9223372036854775808", "0.0", "-0.0", "1.5", "1e5", "1E+5",
    "1e-5", "2.5e300", "1e308", "1.7976931348623157e308", "5e-324", "1e-400", "123456789012345678", "0.1e1",
  ]
  /// What mutations put in: everything that some parser somewhere takes wrongly.
  private static let fragments: [[UInt8]] = textFragments.map { Array($0.utf8) } + byteFragments
  private static let textFragments: [String] = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\u0000", "\\uD800", "\\uDC00", "\\uD800\\u0041", "\\x",
    "null", "true", "false", "nul", "NaN", "Infinity", "-", "+", ".", "e", "01", "1.", ".5", "1e", "1e400", "-1e400",
    "9223372036854775808", "-9223372036854775809", "0x10", " ", "\t", "\r", "\n", "\u{B}", "\u{C}", "'", "/**/",
    "\"a\":1,\"a\":2", "\"a\":1,\"\\u0061\":2", "{}", "[]", "\u{FEFF}", "\u{7F}", "\u{2028}", "\u{A0}",
  ]
  private static let byteFragments: [[UInt8]] = [
    [0x00], [0x1F], [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC3, 0xA9], [0xE0, 0x80, 0x80],
    [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xED, 0x9F, 0xBF], [0xEF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF],
    [0xF4, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF], [0xF5], [0xFE], [0xFF],
  ]

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// An object; valid but that names may come twice, which is part of the question.
  mutating func line() -> [UInt8] {
    // White space before the object is refused by both.
    var text = Int.random(in: 0..<16, using: &random) == 0 ? space() : ""
    appendObject(to: &text, depth: 0)
    return Array((text + space()).utf8)
  }

  /// One to four small damages.
  mutating func mutated(_ line: [UInt8]) -> [UInt8] {
    var line = line
    for _ in 0..<Int.random(in: 1...4, using: &random) { damage(&line) }
    return line
  }

  private mutating func damage(_ line: inout [UInt8]) {
    let position = Int.random(in: 0...line.count, using: &random)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: line.insert(contentsOf: random.pick(Self.fragments), at: position)
    case 1: if position < line.count { line[position] = UInt8.random(in: 0...255, using: &random) }
    case 2: if position < line.count { line[position] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
    case 3: line.removeSubrange(position..<min(line.count, position + Int.random(in: 1...4, using: &random)))
    case 4: line.removeSubrange(position...)
    default:
      let end = min(line.count, position + Int.random(in: 1...24, using: &random))
      line.insert(contentsOf: Array(line[position..<end]), at: Int.random(in: 0...line.count, using: &random))
    }
  }

  // MARK: Values

  private mutating func space() -> String {
    random.once(in: 4) ? random.pick([" ", "\t", "\r", "\n", "  ", " \t "]) : ""
  }

  private mutating func appendValue(to text: inout String, depth: Int) {
    text += space()
    switch Int.random(in: 0..<(depth < 6 ? 9 : 7), using: &random) {
    case 0...2: text += string()
    case 3, 4: text += random.pick(Self.numbers)
    case 5: text += String(Int64.random(in: .min ... .max, using: &random))
    case 6: text += random.pick(["true", "false", "null"])
    case 7: appendArray(to: &text, depth: depth + 1)
    default: appendObject(to: &text, depth: depth + 1)
    }
    text += space()
  }

  private mutating func appendArray(to text: inout String, depth: Int) {
    text += "["
    for index in 0..<Int.random(in: 0...4, using: &random) {
      if index > 0 { text += "," }
      appendValue(to: &text, depth: depth)
    }
    text += space() + "]"
  }

  private mutating func appendObject(to text: inout String, depth: Int) {
    text += "{"
    // Rarely so many that names are hashed.
    let count = random.once(in: 12) ? 24 : Int.random(in: 0...5, using: &random)
    for index in 0..<count {
      if index > 0 { text += "," }
      text += space() + name(index) + space() + ":"
      appendValue(to: &text, depth: depth)
    }
    text += space() + "}"
  }

  /// Mostly another for each index.
  private mutating func name(_ index: Int) -> String {
    switch Int.random(in: 0..<20, using: &random) {
    case 0: string()
    case 1: "\"\\u006" + String(index % 10) + "\(index)\""
    default: "\"k\(index)\""
    }
  }

  private mutating func string() -> String {
    var text = "\""
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      text += random.once(in: 3) ? random.pick(Self.escapes) : random.pick(Self.texts)
    }
    return text + "\""
  }
}
