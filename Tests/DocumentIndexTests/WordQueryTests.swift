// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

/// The rule of `list` for words, on one document at a time.
@Suite struct WordQueryTests {
  private func matches(_ words: String, title: String = "", key: String = "file/x") throws -> Bool {
    WordQuery(words).matches(title: try Title(title), key: try DocumentKey(key))
  }

  @Test(arguments: ["", " ", " \t\n"])
  func `empty text matches everything`(words: String) throws {
    #expect(try matches(words, title: "anything"))
    #expect(try matches(words))
  }

  @Test(arguments: ["--", "…", "\u{301}", "/", "?!", "\u{200B}", "\u{FE0F}"])
  func `text without words matches nothing`(words: String) throws {
    #expect(try !matches(words, title: "any-thing… é/?!"))
    #expect(try !matches(words))
  }

  @Test(arguments: [
    ("🙂", "A 🙂 here", true), ("🙂", "no face", false), ("🙂", "x🙂y", true), ("🙂", "🙃", false), ("👍🏽", "👍", true),
    ("❤️", "❤", true), ("👩‍🚀", "👩‍🚀 in space", true), ("€", "10 €", true), ("🇨🇿", "🇨🇿🇯🇵", true), ("c++", "C", true),
  ])
  func `symbols beyond ASCII are words`(words: String, title: String, isMatch: Bool) throws {
    #expect(try matches(words, title: title) == isMatch)
  }

  @Test(arguments: [
    ("文档", "中文文档", true), ("文", "中文文档", true), ("档", "中文文档", true), ("中文文档", "中文文档", true), ("中档", "中文文档", false),
    ("文文档", "中文文档", true), ("日本", "日", false), ("本語", "日本語", true), ("入门", "Linux入门", true), ("linux", "Linux入门", true),
    ("Linux入门", "Linux 入门", true), ("3", "第3章", true), ("章", "第3章", true), ("ータ", "コンピュータ", true), ("국어", "한국어", true),
    ("어", "한국어", true), ("\u{1100}\u{116E}\u{11A8}어", "한국어", true), ("ไทย", "ภาษาไทย", true), ("がき", "はがき", true),
  ])
  func `parts of texts without spaces are found`(words: String, title: String, isMatch: Bool) throws {
    #expect(try matches(words, title: title) == isMatch)
  }

  @Test(arguments: [
    ("strasse", "Straße"), ("STRASSE", "straße"), ("straße", "STRASSE"), ("STRAẞE", "Strasse"), ("file", "ﬁle"),
    ("ﬁle", "file"),
    ("office", "oﬃce"), ("ﬂow", "flow"), ("encyclopaedia", "Encyclopædia"), ("oeuvre", "Œuvre"), ("ijs", "Ĳs"),
    ("σοφος", "σοφός"), ("ΣΟΦΟΣ", "σοφός"), ("ABC123", "ＡＢＣ１２３"), ("ａｂｃ", "abc"), ("カタカナ", "ｶﾀｶﾅ"), ("ガギ", "ｶﾞｷﾞ"),
    ("ﾊﾟﾝ", "パン"), ("a b", "ａ　ｂ"), ("ſet", "Set"),
  ])
  func `ligatures and width are folded`(words: String, title: String) throws {
    #expect(try matches(words, title: Title(normalizing: title).text))
  }

  @Test(arguments: [
    ("proto", true), ("protocol", true), ("protocols", false), ("rotocol", false), ("p", true), ("PROTO", true),
    ("control proto", true), ("proto control", true), ("proto proto", true), ("proto datagram", false),
  ])
  func `every word begins a word of the title`(words: String, isMatch: Bool) throws {
    #expect(try matches(words, title: "Transmission Control Protocol") == isMatch)
  }

  @Test(arguments: [
    ("0001", true), ("jpg", true), ("cats", true), ("data", true), ("0001.jpg", true), ("cats/0001", true),
    ("data/cats", true), ("data/", true), ("data/cats/0001.jpg", true), ("data/dogs", false), ("file/cats", false),
  ])
  func `key and what it begins with match`(words: String, isMatch: Bool) throws {
    #expect(try matches(words, key: "data/cats/0001.jpg") == isMatch)
  }

  @Test(arguments: [
    ("c++", "The C++ language", true), ("c++", "cats", false), ("C#", "c for all", true), ("f#", "from", false),
    ("c++11", "C++11", true), ("c + d", "cats and dogs", true), ("c++ cat", "C++ for cats", true),
    ("#ca", "cats", true),
    ("+", "c", false), ("日本+", "日本", true),
  ])
  func `word before a plus or a number sign is whole`(words: String, title: String, isMatch: Bool) throws {
    #expect(try matches(words, title: title) == isMatch)
  }

  @Test func `words may be split over title and name`() throws {
    #expect(try matches("tcp 793", title: "TCP", key: "rfc/793"))
  }

  @Test(arguments: [
    ("rizeni", "řízení"), ("RIZENI", "řízení"), ("ŘÍZENÍ", "rizeni"), ("elan", "Élan"), ("istanbul", "İstanbul"),
    ("ξενος", "ξένος"), ("ёлка", "елка"), ("日本", "日本語"), ("naïve", "naive"),
  ])
  func `case and accents are folded`(words: String, title: String) throws {
    #expect(try matches(words, title: title))
  }

  @Test(arguments: [("o", "ø"), ("1", "¹"), ("日", "月")])
  func `other letters are other letters`(words: String, title: String) throws {
    #expect(try !matches(words, title: title))
  }

  @Test(arguments: ["a-b", "a.b", "a b", "a/b", "a_b", "a—b", "a「b」", "(a)[b]"])
  func `everything but letters and digits separates words`(title: String) throws {
    #expect(try matches("b", title: title))
    #expect(try matches("a b", title: title))
    #expect(try !matches("ab", title: title))
  }

  @Test func `combining marks do not separate words`() throws {
    #expect(try matches("cafes", title: "Cafés"))
    #expect(try matches("cafe\u{301}s", title: "cafes"))
  }

  /// The index and the query give the same answer on random texts.
  @Test(arguments: 0..<20 as Range<UInt64>) func `index agrees with the query`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let parts = [
      "Host", "hóst", "software", "SOFT", "ware", "9", "99", "é", "É", "-", "日本", "x", "xy", "…", "file", "🙂", "本語",
      "한국",
    ]
    let index = DocumentIndex()
    try index.open(1)
    var documents = [Document]()
    for number in 0..<60 {
      let title = (0..<random.pick([0, 1, 3])).map { _ in random.pick(parts) }.joined(
        separator: random.pick([" ", ""]))
      documents.append(try Sample.document("file/\(number)", number, title: try Title(title).text))
    }
    index.add(documents, by: SessionID(1))
    for _ in 0..<40 {
      let words = (0..<random.pick([1, 1, 2])).map { _ in random.pick(parts) }.joined(separator: " ")
      let query = WordQuery(words)
      let expected = documents.filter { query.matches(title: $0.title, key: $0.key) }.map(\.key.text).sorted()
      #expect(index.keys(words: [words]).sorted() == expected, "\(words)")
    }
  }
}
