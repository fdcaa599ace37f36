// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import Testing

@Suite struct CursorTests {
  @Test(arguments: ["rfc/1", "file/a b", "data/čeština/日本.txt", "x/" + String(repeating: "n", count: 512)])
  func cursorsKeepTheirMeaning(_ key: String) throws {
    for content in [Content.empty, try Sample.content(5, size: Content.maximumSize), try Sample.content(77, size: 1)] {
      let cursor = ListCursor(key: try DocumentKey(key), content: content)
      #expect(try ListCursor(cursor.text) == cursor)
      #expect(cursor.text.utf8.allSatisfy { $0 < 0x80 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "+") })
    }
  }

  @Test(arguments: [
    "", "A", "AAAA", "!", "rfc/1", String(repeating: "A", count: 54), String(repeating: "_", count: 80),
  ])
  func othersAreRefused(_ text: String) {
    #expect(throws: InvalidValue.self) { try ListCursor(text) }
  }

  @Test func noChangeOfACursorIsAcceptedAsTheSame() throws {
    let cursor = ListCursor(key: try DocumentKey("rfc/793"), content: try Sample.content(1))
    for position in cursor.text.indices {
      var text = cursor.text
      text.replaceSubrange(position...position, with: text[position] == "A" ? "B" : "A")
      let other = try? ListCursor(text)
      #expect(other != cursor)
    }
  }

  @Test func randomTextNeverCrashes() {
    var generator = SeededGenerator(seed: 3)
    let digits = Array("ABCxyz019-_=+/ \u{0}é")
    for _ in 0..<5000 {
      let length = Int.random(in: 0...90, using: &generator)
      let text = String((0..<length).compactMap { _ in digits.randomElement(using: &generator) })
      _ = try? ListCursor(text)
      _ = try? PeerCursor(text)
    }
  }
}
