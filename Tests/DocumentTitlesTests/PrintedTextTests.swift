// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import DocumentTitles
import Testing

/// What stands on paper counts, however the bytes say it.
@Suite struct PrintedTextTests {
  private func title(_ title: [UInt8], lineEnd: String = "\n") -> String? {
    var bytes = Array("RFC 1234\(lineEnd)\(lineEnd)                   ".utf8)
    bytes += title
    bytes += Array("\(lineEnd)\(lineEnd)Abstract\(lineEnd)".utf8)
    return RFCText.recognise(fileName: "rfc1234.txt", bytes: bytes)?.title?.text
  }

  @Test(arguments: [
    "_\u{8}B_\u{8}i_\u{8}r_\u{8}d", "B\u{8}_i\u{8}_r\u{8}_d\u{8}_", "B\u{8}Bi\u{8}ir\u{8}rd\u{8}d",
    "Bird\u{8}\u{8}\u{8}\u{8}____", "Burd\u{8}\u{8}\u{8}i",
  ])
  func `overstruck characters are printed once`(_ text: String) {
    #expect(title(Array(text.utf8)) == "Bird")
  }

  @Test(arguments: ["\n", "\r\n", "\r", "\u{C}", "\u{B}"])
  func `every line terminator ends a line`(_ lineEnd: String) {
    #expect(title(Array("Birds".utf8), lineEnd: lineEnd) == "Birds")
  }

  @Test func `control characters print nothing`() {
    #expect(title(Array("B\u{0}i\u{7}r\u{1B}d\u{7F}".utf8)) == "Bird")
    #expect(title(Array("Noisy\u{A0}Bird\u{A0}".utf8)) == "Noisy Bird")
  }

  @Test func `Windows-1252 is decoded`() {
    #expect(title([0x56, 0xF6, 0x67, 0x65, 0x6C]) == "Vögel")
    #expect(title([0x41, 0x92, 0x73, 0x20, 0x93, 0x42, 0x94]) == "A’s “B”")
    #expect(title(Array("Vögel ‑ 鳥".utf8)) == "Vögel ‑ 鳥")
  }

  @Test func `backspace at the start of a line is ignored`() {
    #expect(title(Array("\u{8}\u{8}".utf8) + Array("Bird".utf8)) != nil)
    let text = String(repeating: "\u{8}", count: 1_000) + "RFC 1234\n\n                 Bird\n\nAbstract\n"
    #expect(RFCText.recognise(fileName: "rfc1234.txt", bytes: Array(text.utf8))?.title?.text == "Bird")
  }
}
