// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import TestSupport
import Testing

@Suite struct Base64URLTests {
  /// RFC 4648 section 10, without padding, and the two digits that differ from plain base64.
  @Test(arguments: [
    ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
    ("foobar", "Zm9vYmFy"),
  ])
  func `vectors of the RFC`(plain: String, text: String) {
    #expect(Base64URL.encode(plain.utf8) == text)
    #expect(Base64URL.decode(text.utf8) == Array(plain.utf8))
    #expect(Base64URL.encode([0xFB, 0xFF, 0xBF]) == "-_-_")
  }

  /// A stray bit, a length that no bytes have, padding, the digits of plain base64, white space.
  @Test(arguments: ["Zh", "Zm9", "A", "AAAAA", "Zg==", "Zm9v\n", " Zm9v", "+/+/", "Zm8=", "Zm\u{E9}v"])
  func `only the text that encoding makes is read`(text: String) {
    #expect(Base64URL.decode(text.utf8) == nil)
  }

  @Test func `random bytes come back, and no other text reads as them`() {
    var random = SeededGenerator(seed: 64)
    for length in 0..<200 {
      let bytes = random.bytes(length)
      let text = Base64URL.encode(bytes)
      #expect(Base64URL.decode(text.utf8) == bytes)
      var changed = Array(text.utf8)
      guard !changed.isEmpty else { continue }
      changed[Int.random(in: changed.indices, using: &random)] = UInt8.random(in: 0...127, using: &random)
      if changed != Array(text.utf8), let other = Base64URL.decode(changed) { #expect(other != bytes) }
    }
  }
}
