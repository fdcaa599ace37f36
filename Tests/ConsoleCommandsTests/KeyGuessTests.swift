// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import DocumentModel
import Testing

@Suite struct KeyGuessTests {
  @Test(arguments: [
    (["rfc793"], "rfc/793"), (["RFC 0793.txt"], "rfc/793"), (["RFC/793"], "rfc/793"), (["rfc:793"], "rfc/793"),
    (["rfc", "793"], "rfc/793"), (["./rfc793.txt"], "rfc/793"), (["/srv/rfc793.txt"], "rfc/793"),
    (["paper.pdf"], "file/paper.pdf"), (["../a/paper.pdf"], "file/paper.pdf"), (["~/paper.pdf"], "file/paper.pdf"),
    (["File/Paper.pdf"], "file/Paper.pdf"), (["file", "paper.pdf"], "file/paper.pdf"),
    (["my", "big", "paper.pdf"], "file/my big paper.pdf"), (["file/my", "paper.pdf"], "file/my paper.pdf"),
  ])
  func `words that are no key suggest one`(words: [String], key: String) {
    #expect(KeyGuess.key(for: words)?.text == key)
  }

  @Test(arguments: [
    [], [""], ["rfc/793"], ["793"], ["file/"], ["file/x/"], ["rfc/x"], ["rfc/1", "rfc/2"], ["a", "file/b"], ["/"],
    ["./.."], ["a\u{7}b"],
  ])
  func `keys, prefixes and nonsense suggest nothing`(words: [String]) {
    #expect(KeyGuess.key(for: words) == nil)
  }
}
