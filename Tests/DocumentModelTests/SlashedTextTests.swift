// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Testing

@Suite struct SlashedTextTests {
  /// What makes one character of itself and a slash before it, or after it.
  static let after = ["\u{301}", "\u{200D}", "\u{FE0F}", "\u{1F3FD}", "\u{E0061}"]
  static let before = ["\u{600}", "\u{110BD}"]

  @Test(arguments: after) func `slash before a mark is a slash`(_ mark: String) {
    let text = "/a/\(mark)b/\(mark)c"
    #expect(text.parent == "/a/\(mark)b")
    #expect(text.afterLastSlash == "\(mark)c")
    #expect(text.segments().map { String($0) } == ["a", "\(mark)b", "\(mark)c"])
    #expect("/\(mark)a".beginsWithSlash)
    #expect("/\(mark)a".parent == "/")
    #expect(".\(mark)a".beginsWithDot)
  }

  @Test(arguments: before) func `slash after a sign is a slash`(_ sign: String) {
    let text = "a\(sign)/"
    #expect(text.endsInSlash)
    #expect(text.parent == "a\(sign)")
    #expect(text.withoutTrailingSlashes == "a\(sign)")
  }

  @Test func `empty segments are left out unless they are wanted`() {
    #expect("//a//b/".segments() == ["a", "b"])
    #expect("//a/".segments(omittingEmpty: false) == ["", "", "a", ""])
    #expect("".segments().isEmpty)
    #expect("".segments(omittingEmpty: false) == [""])
  }

  @Test func `text without a slash has no parent`() {
    #expect("a".parent == nil)
    #expect("a".afterLastSlash == "a")
    #expect("///".withoutTrailingSlashes == "")
    #expect("/a".parent == "/")
  }
}
