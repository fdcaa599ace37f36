// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import TestSupport
import Testing

@Suite struct DocumentKeyTests {
  @Test(arguments: [
    "rfc/793", "rfc/0", "file/paper.pdf", "data/cats/0001.jpg", "file/čeština.txt", "a-1/...", "file/a b",
    "file/a/.b/c.d", "rfc/99999999999999999999", "rf/007", "rfcs/007", "0/0", "-/-", "file/.../..a", "file/日本/x",
  ])
  func `valid keys are read`(_ text: String) throws {
    #expect(try DocumentKey(text).text == text)
  }

  @Test(arguments: [
    "", "793", "/x", "rfc/", "rfc/0793", "rfc/x", "RFC/1", "file//x", "file/./x", "file/../x", "file/a/", "file/a\u{7}",
    "file/e\u{301}", "file/\u{85}", "abcdefghijabcdefghijabcdefghijabc/x", "a_b/x", "file/..", "file/./", "file/a/.",
    "rfc/1/2", "rfc/00", "rfc/-1", "file/\u{7F}", "rfc/+1", "rfc/１", "fïle/x", "file", "file/", "file/a\0b",
    "file/a\u{202E}b",
    "file/\u{200F}x", "file/\u{2066}", "data/\u{61C}/x",
  ])
  func `invalid keys are refused`(_ text: String) {
    #expect(throws: InvalidValue.self) { try DocumentKey(text) }
  }

  @Test func `lengths are counted in bytes`() throws {
    let collection = String(repeating: "c", count: DocumentKey.maximumCollectionLength)
    _ = try DocumentKey("\(collection)/x")
    #expect(throws: InvalidValue.self) { try DocumentKey("\(collection)c/x") }
    for (unit, count) in [("x", 512), ("é", 256)] {
      _ = try DocumentKey("file/" + String(repeating: unit, count: count))
      #expect(throws: InvalidValue.self) { try DocumentKey("file/x" + String(repeating: unit, count: count)) }
    }
  }

  /// Keys are checked in one pass where they are plain, and at length where they are not: both are the same rule.
  @Test func `random texts are judged by the written rule`() {
    var random = SeededGenerator(seed: 4)
    let pieces = ["rfc", "file", "a", "7", "0", "/", "/", ".", "..", "-", "_", "é", "e\u{301}", " ", "\u{1F}", "R"]
    var taken = 0
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 1...6, using: &random)).map { _ in random.pick(pieces) }.joined()
      let isKey = (try? DocumentKey(text)) != nil
      #expect(isKey == Self.isKey(text), "\(text.debugDescription)")
      taken += isKey ? 1 : 0
    }
    #expect(taken > 100, "too few keys among them to show anything")
  }

  /// The written rule, word by word.
  private static func isKey(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: 0x2F, maxSplits: 1, omittingEmptySubsequences: false).map { Array($0) }
    guard parts.count == 2, (1...32).contains(parts[0].count), (1...512).contains(parts[1].count) else { return false }
    guard parts[0].allSatisfy(Set("abcdefghijklmnopqrstuvwxyz0123456789-".utf8).contains) else { return false }
    let segments = parts[1].split(separator: 0x2F, omittingEmptySubsequences: false).map { Array($0) }
    guard !segments.contains([]), !segments.contains([0x2E]), !segments.contains([0x2E, 0x2E]) else { return false }
    guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }),
      !text.unicodeScalars.contains("\u{301}")
    else { return false }
    guard parts[0] == Array("rfc".utf8) else { return true }
    return parts[1].allSatisfy(Set("0123456789".utf8).contains) && (parts[1].count == 1 || parts[1][0] != 0x30)
  }

  @Test(arguments: [
    ("793", "rfc/793"), ("rfc/0793", "rfc/793"), ("000", "rfc/0"), ("rfc/0", "rfc/0"), ("file/007", "file/007"),
    ("file/e\u{301}", "file/\u{e9}"),
  ])
  func `typed keys are normalised`(_ typed: String, _ key: String) throws {
    #expect(try DocumentKey(normalizing: typed).text.unicodeScalars.elementsEqual(key.unicodeScalars))
  }

  @Test(arguments: ["", "rfc793", "rfc/", "-793", "7 93", "../x", "file/../x"])
  func `typed keys are not repaired further`(_ typed: String) {
    #expect(throws: InvalidValue.self) { try DocumentKey(normalizing: typed) }
  }

  @Test func `a key has parts`() throws {
    let key = try DocumentKey("data/cats/0001.jpg")
    #expect(key.collection == "data")
    #expect(key.name == "cats/0001.jpg")
    #expect(key.lastSegment == "0001.jpg")
    #expect(key.suggestedFileName == "0001.jpg")
    #expect(DocumentKey(rfc: 793).suggestedFileName == "rfc793.txt")
    #expect(DocumentKey(rfc: .max).text == "rfc/4294967295")
  }

  @Test func `a slash with a combining mark separates segments`() throws {
    let key = try DocumentKey("file/\u{301}x/\u{301}y")
    #expect(key.collection == "file")
    #expect(key.name.unicodeScalars.elementsEqual("\u{301}x/\u{301}y".unicodeScalars))
    #expect(key.suggestedFileName.unicodeScalars.elementsEqual("\u{301}y".unicodeScalars))
  }

  @Test func `keys are ordered by bytes`() throws {
    let sorted = try ["a/b", "a/b/c", "a/bc", "a/é", "a/日", "b-/x", "b/x"].map { try DocumentKey($0) }
    #expect(sorted.shuffled().sorted() == sorted)
  }

  @Test(arguments: ["", "RFC", "a_b", "a/b", "é", String(repeating: "a", count: 33)])
  func `invalid collections are recognised`(_ text: String) {
    #expect(!DocumentKey.isCollection(text))
  }
}
