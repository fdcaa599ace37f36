// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import PeerDaemon
import Testing
import WireProtocol

@Suite struct RequestedKeyTests {
  private func text(_ requested: RequestedKey, ofFile name: String) -> String? {
    try? requested.key(ofFile: name).text
  }

  private func text(_ requested: RequestedKey, of path: String, in directory: String) -> String? {
    try? requested.key(of: path, in: directory).text
  }

  @Test(
    arguments: [
      ("rfc793.txt", "rfc/793"), ("rfc0001.txt", "rfc/1"), ("RFC2616.TXT", "rfc/2616"), ("rfc.txt", "file/rfc.txt"),
      ("rfc12.pdf", "file/rfc12.pdf"), ("paper.pdf", "file/paper.pdf"), ("123", "file/123"), ("a b", "file/a b"),
      ("e\u{301}t\u{e9}", "file/\u{e9}t\u{e9}"), ("a\nb", nil), ("..", nil), ("\u{7f}", nil),
      (String(repeating: "x", count: 512), "file/" + String(repeating: "x", count: 512)),
      (String(repeating: "x", count: 513), nil),
    ] as [(String, String?)])
  func followsFromTheNameOfAFile(name: String, key: String?) {
    #expect(text(.inferred, ofFile: name) == key)
  }

  @Test func `key follows from the directory`() {
    #expect(text(.inferred, of: "cats/1.jpg", in: "photos") == "file/photos/cats/1.jpg")
    #expect(text(.inferred, of: "rfc793.txt", in: "texts") == "file/texts/rfc793.txt")
    #expect(text(.inferred, of: "etc/hosts", in: "") == "file/etc/hosts")
    #expect(text(.inferred, of: "a/\u{1}", in: "photos") == nil)
  }

  @Test func `prefix replaces collection and directory`() throws {
    let requested = try RequestedKey("data/cats/", isSingleFile: false)
    #expect(requested == .below("data/cats/"))
    #expect(text(requested, of: "small/1.jpg", in: "photos") == "data/cats/small/1.jpg")
    #expect(text(requested, ofFile: "rfc793.txt") == "data/cats/rfc793.txt")
    #expect(try RequestedKey("data/", isSingleFile: true) == .below("data/"))
    #expect(text(try RequestedKey("rfc/", isSingleFile: true), ofFile: "0042") == "rfc/42")
  }

  @Test func `exact key needs a single file`() throws {
    #expect(try RequestedKey("42", isSingleFile: true) == .exactly(DocumentKey(rfc: 42)))
    #expect(text(try RequestedKey("data/x", isSingleFile: true), ofFile: "paper.pdf") == "data/x")
    let failure = #expect(throws: WireFailure.self) { try RequestedKey("data/x", isSingleFile: false) }
    #expect(failure?.code == .usage)
  }

  @Test(arguments: ["", "/", "data", "Data/x", "data//", "data/../", "data/\u{7}", "rfc/x", "rfc/x/"])
  func `invalid key is refused`(text: String) {
    let failure = #expect(throws: WireFailure.self) { try RequestedKey(text, isSingleFile: true) }
    #expect(failure?.code == .invalidKey)
  }
}
