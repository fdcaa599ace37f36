// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import DocumentTitles
import Testing

/// Nothing that a file may hold does harm.
@Suite struct RandomTextTests {
  private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 29)
    }
  }

  @Test(arguments: 1...UInt64(4))
  func `random bytes do no harm`(seed: UInt64) {
    var generator = SeededGenerator(state: seed)
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0...600, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      _ = RFCText.recognise(fileName: "rfc1.txt", bytes: bytes)
    }
  }

  /// Pieces of real front pages in any order reach further than bytes alone.
  @Test(arguments: 1...UInt64(8))
  func `random pieces of front pages do no harm`(seed: UInt64) throws {
    let pieces = [
      "Network Working Group", "Request for Comments: 1", "RFC 1", "RFC:", "NWG/RFC# 1", "Title:", "Author:", "\n",
      "\n\n",
      "  ", "            ", "\t", "\r\n", "\u{C}", "7 April 1969", "April", "-", "----", "(1)", ")", "by", "A ", "The",
      "Host Software", "\"", "\u{8}", "\u{FEFF}", "é", "e\u{301}", "\u{202E}", "\u{0}", "Obsoletes: 3,", "of",
    ]
    var generator = SeededGenerator(state: seed)
    for _ in 0..<300 {
      var text = ""
      for _ in 0..<Int.random(in: 1...60, using: &generator) { text += pieces.randomElement(using: &generator) ?? "" }
      let found = try #require(RFCText.recognise(fileName: "rfc1.txt", bytes: Array(text.utf8)))
      #expect(found.title?.text.isEmpty != true)
    }
  }

  /// As much as is looked at, of whatever kind: it ends, soon, and what is found has the length of a title.
  @Test(arguments: [
    "a  rfc  updates  ", "obsoletes rfc 1,2,3 ", "Title: a\n", "         1 May 1990\n\n", "e\u{301}", "\u{8}", "\t",
    "\u{C}",
    "x\u{8}_", "\r", "RFC 1\n\n", "            Birds and\n\n", "(", "-", "\"", " . ",
  ])
  func `long repetition ends quickly`(_ piece: String) throws {
    let text =
      "Request for Comments: 1\n\n" + String(repeating: piece, count: RFCText.prefixLength / piece.utf8.count + 1)
    let found = try #require(RFCText.recognise(fileName: "rfc1.txt", bytes: Array(text.utf8)))
    #expect((found.title?.text.utf8.count ?? 0) <= Title.maximumLength)
  }
}
