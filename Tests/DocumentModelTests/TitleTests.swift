// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import TestSupport
import Testing

@Suite struct TitleTests {
  @Test(arguments: ["", "Transmission Control Protocol", "čeština 日本", "a  b", " a ", "👩‍👩‍👧"])
  func `valid titles are read`(_ text: String) throws {
    #expect(try Title(text).text == text)
  }

  @Test(arguments: ["a\u{202E}b", "a\u{1B}[2J", "a\nb", "e\u{301}", "\u{85}", "\u{7F}", "\u{61C}", "\u{2066}", "\0"])
  func `invalid titles are refused`(_ text: String) {
    #expect(throws: InvalidValue.self) { try Title(text) }
  }

  @Test func `a title has at most 512 bytes`() throws {
    _ = try Title(String(repeating: "é", count: 256))
    #expect(throws: InvalidValue.self) { try Title(String(repeating: "é", count: 256) + "x") }
  }

  @Test(arguments: [
    ("  Host\n  Software\u{202E}\u{1B} ", "Host Software"), ("", ""), (" \t\r\n ", ""), ("a\r\nb\u{85}c", "a b c"),
    ("e\u{301}", "\u{e9}"), ("one \u{1}\u{202E} two", "one two"), ("\u{200E}x", "x"), ("a\u{2028}b", "a b"),
    ("e\u{1}\u{301}", "\u{e9}"),
  ])
  func `titles are made from any text`(_ text: String, _ title: String) {
    #expect(Title(normalizing: text).text.unicodeScalars.elementsEqual(title.unicodeScalars))
  }

  @Test func `long titles are cut at a character`() throws {
    #expect(Title(normalizing: String(repeating: "é", count: 600)).text.utf8.count == 512)
    #expect(Title(normalizing: "x" + String(repeating: "é", count: 600)).text.utf8.count == 511)
    let endless = "a" + String(repeating: "\u{302}", count: 600)
    #expect(Title(normalizing: "ok " + endless).text.hasPrefix("ok"))
  }

  @Test func `random text gives a valid title`() throws {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<2000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...40, using: &random) {
        let ranges: [ClosedRange<UInt32>] = [
          0...0x2FF, 0x300...0x36F, 0x1100...0x11FF, 0x2000...0x206F, 0xAC00...0xAC40,
        ]
        if let scalar = Unicode.Scalar(UInt32.random(in: random.pick(ranges), using: &random)) { text.append(scalar) }
      }
      let title = Title(normalizing: String(text))
      #expect(try Title(title.text) == title)
    }
  }
}

@Suite struct TextRulesTests {
  /// The oracle is Foundation, which leaves syllables of Hangul as they are: those are written out below.
  @Test func `normal form agrees with Foundation`() {
    var random = SeededGenerator(seed: 6)
    let ranges: [ClosedRange<UInt32>] = [0x41...0x5A, 0xC0...0x17F, 0x300...0x36F]
    for _ in 0..<3000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        if let scalar = Unicode.Scalar(UInt32.random(in: random.pick(ranges), using: &random)) { text.append(scalar) }
      }
      let expected = String(text).precomposedStringWithCanonicalMapping.unicodeScalars
      #expect(TextRules.normalized(String(text)).unicodeScalars.elementsEqual(expected))
      #expect(TextRules.isNormalized(String(text)) == text.elementsEqual(expected))
    }
  }

  /// Chapter 3.12 of the Unicode Standard; U+11A7 is before the first final consonant and composes with nothing.
  @Test(arguments: [
    ("\u{1100}\u{1161}", "\u{AC00}"), ("\u{D408}\u{11B3}", "\u{D414}"), ("\u{1112}\u{1175}\u{11C2}", "\u{D7A3}"),
    ("\u{AC00}\u{11A7}", "\u{AC00}\u{11A7}"), ("\u{AC01}\u{11A8}", "\u{AC01}\u{11A8}"),
  ])
  func `Hangul syllables are composed`(_ text: String, _ composed: String) {
    #expect(TextRules.normalized(text).unicodeScalars.elementsEqual(composed.unicodeScalars))
    #expect(TextRules.isNormalized(composed))
  }

  @Test func `text for a terminal is escaped`() {
    #expect(TextRules.escapedForTerminal("a\u{1B}[2J\u{202E}b") == "a\\u{1B}[2J\\u{202E}b")
    #expect(TextRules.escapedForTerminal("a\r\nb\u{2028}\u{9B}") == "a\\u{D}\\u{A}b\\u{2028}\\u{9B}")
    #expect(TextRules.escapedForTerminal("čeština 日本") == "čeština 日本")
    #expect(TextRules.escapedForTerminal("") == "")
  }

  @Test(arguments: [
    0x00A0, 0x2003, 0x202F, 0x3000, 0xE000, 0xF8FF, 0x10FFFD, 0x0378, 0x00AD, 0x034F, 0x061C, 0x115F, 0x180E, 0x200B,
    0x200C, 0x200D, 0x2060, 0x2064, 0x206A, 0x2800, 0x3164, 0xFE0F,
    0xFEFF,
    0xFFA0, 0xFFF9, 0xFFFF, 0xFDD0, 0x1D173, 0xE0001, 0xE0041, 0xE007F, 0xE01EF, 0xE0FFF,
  ])
  func `invisible characters are escaped`(_ value: UInt32) throws {
    let scalar = try #require(Unicode.Scalar(value))
    let escape = "\\u{" + String(value, radix: 16, uppercase: true) + "}"
    #expect(TextRules.escapedForTerminal("a\(scalar)b") == "a\(escape)b")
    #expect(TextRules.escapedForTerminal("\(scalar)") == escape)
  }

  @Test(arguments: [
    "👩‍💻", "❤️", "1️⃣", "👩🏽‍❤️‍👨🏻", "می‌خواهم", "क्‍ष", "葛󠄀", "naïve ﬀ ß Ａ",
  ])
  func `characters that shape others are kept`(_ text: String) {
    #expect(TextRules.escapedForTerminal(text) == text)
  }

  @Test func `bytes that are not UTF-8 are shown in hex`() {
    #expect(TextRules.shown([0x70, 0xE9, 0x2E]) == #"p\xe9."#)
    #expect(TextRules.shown(Array("日本".utf8) + [0xFF, 0x0A]) == "日本\\xff\n")
    #expect(TextRules.shown([0xE6, 0x97]) == #"\xe6\x97"#)
    #expect(TextRules.shown([0xC0, 0x80, 0xED, 0xA0, 0x80]) == #"\xc0\x80\xed\xa0\x80"#)
    #expect(TextRules.shown([]) == "")
  }
}
