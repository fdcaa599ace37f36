// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

@Suite struct CursorTests {
  @Test(arguments: ["rfc/1", "file/a b", "data/čeština/日本.txt", "x/" + String(repeating: "n", count: 512)])
  func `cursors survive the round trip as text`(_ key: String) throws {
    for content in [Content.empty, try Sample.content(5, size: Content.maximumSize), try Sample.content(77, size: 1)] {
      let cursor = DocumentID(key: try DocumentKey(key), content: content)
      #expect(try DocumentID(cursor: cursor.cursor) == cursor)
      #expect(cursor.cursor.utf8.allSatisfy { $0 < 0x80 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "+") })
    }
  }

  @Test(arguments: ["data/", "data/cats/", "data/čeština/日本/", "x/" + String(repeating: "n", count: 500) + "/"])
  func `cursor of a level survives the round trip as text`(_ prefix: String) throws {
    let position = ListPosition.level(prefix)
    #expect(try ListPosition(cursor: position.cursor) == position)
    #expect(throws: InvalidValue.self) { try DocumentID(cursor: position.cursor) }
    let document = DocumentID(key: try DocumentKey(prefix + "x"), content: .empty)
    #expect(try ListPosition(cursor: document.cursor) == .document(document))
  }

  @Test(arguments: ["data", "", "da\u{7}ta/", "file/e\u{301}/", String(repeating: "n", count: 600) + "/"])
  func `cursor of an impossible level is refused`(_ prefix: String) {
    #expect(throws: InvalidValue.self) { try ListPosition(cursor: ListPosition.level(prefix).cursor) }
  }

  @Test(arguments: [
    "", "A", "AAAA", "!", "rfc/1", String(repeating: "A", count: 54), String(repeating: "_", count: 80),
  ])
  func `text that is no cursor is refused`(_ text: String) {
    #expect(throws: InvalidValue.self) { try DocumentID(cursor: text) }
  }

  @Test func `changed cursor is never the same`() throws {
    let cursor = DocumentID(key: try DocumentKey("rfc/793"), content: try Sample.content(1))
    for position in cursor.cursor.indices {
      var text = cursor.cursor
      text.replaceSubrange(position...position, with: text[position] == "A" ? "B" : "A")
      let other = try? DocumentID(cursor: text)
      #expect(other != cursor)
    }
  }

  @Test func `random text never crashes`() {
    var generator = SeededGenerator(seed: 3)
    let digits = Array("ABCxyz019-_=+/ \u{0}é")
    for _ in 0..<5000 {
      let length = Int.random(in: 0...90, using: &generator)
      let text = String((0..<length).compactMap { _ in digits.randomElement(using: &generator) })
      _ = try? DocumentID(cursor: text)
      _ = try? ListPosition(cursor: text)
      _ = try? HolderID(cursor: text)
    }
  }

  @Test(arguments: ["UPPER/x", "rfc", "rfc/01", "file/../x", "file/e\u{301}", "file/", ""])
  func `cursor with an invalid key is refused`(key: String) {
    // The two cursors have the same layout.
    let cursor = HolderID(peer: Sample.peer(1), host: key, port: 9).cursor
    #expect(throws: InvalidValue.self) { try DocumentID(cursor: cursor) }
  }

  @Test func `cursor with an impossible content is refused`() {
    let cursor = HolderID(peer: PeerID(digest: .zero), host: "rfc/1", port: 9).cursor
    #expect(throws: InvalidValue.self) { try DocumentID(cursor: cursor) }
  }

  @Test(arguments: 1...6) func `padding and other spellings of a cursor are refused`(length: Int) throws {
    let id = DocumentID(
      key: try DocumentKey("x/" + String(repeating: "n", count: length)), content: try Sample.content(1))
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    let accepted = digits.filter { (try? DocumentID(cursor: String(id.cursor.dropLast()) + String($0))) == id }
    #expect(accepted.map(String.init) == [String(id.cursor.suffix(1))])
    for suffix in ["=", "==", "A", " "] {
      #expect((try? DocumentID(cursor: id.cursor + suffix)) != id)
    }
  }
}
