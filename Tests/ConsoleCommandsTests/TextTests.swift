// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import Glibc
import LineJSON
import TestSupport
import Testing

@Suite struct CellWidthTests {
  @Test(arguments: [
    ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本語", 6), ("한국", 4), ("👍🏽", 2), ("👨‍👩‍👧", 2), ("ｱ", 1), ("Ａ", 2),
    ("❤\u{FE0F}", 2), ("a\u{200B}b", 2), ("🇩🇪", 2), ("ｶﾞｷﾞ", 4), ("क्ष", 2), ("हिन्दी", 5), ("한", 2), ("☝🏽", 2), ("1️⃣", 2),
  ])
  func `width counts cells`(text: String, cells: Int) {
    #expect(CellWidth.of(text) == cells)
  }

  /// The widths of the C library, for all characters that it knows to be printable and that are not emoji.
  @Test func `width agrees with the C library`() throws {
    // Its header declares it for XSI only.
    typealias Function = @convention(c) (wchar_t) -> Int32
    let symbol = try #require(dlsym(nil, "wcwidth"))
    let wcwidth = unsafeBitCast(symbol, to: Function.self)
    let locale = try #require(newlocale(LC_CTYPE_MASK, "C.UTF-8", nil))
    let before = uselocale(locale)
    defer {
      uselocale(before)
      freelocale(locale)
    }
    var wrong = [UInt32]()
    for value in UInt32(0x20)..<0x20000 {
      guard let scalar = Unicode.Scalar(value), !scalar.properties.isEmoji, value != 0xAD else { continue }
      switch scalar.properties.generalCategory {
      case .unassigned, .privateUse, .control: continue
      default: break
      }
      let width = wcwidth(wchar_t(bitPattern: value))
      if width >= 0, Int(width) != CellWidth.of(String(scalar)) { wrong.append(value) }
    }
    // Another version of Unicode may know a few others.
    #expect(wrong.count < 40, "\(wrong.map { String($0, radix: 16) })")
  }

  @Test(arguments: [
    ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("日本", 1, "…"), ("ab", 0, ""),
  ])
  func `cut text fits`(text: String, cells: Int, kept: String) {
    #expect(CellWidth.cut(text, to: cells) == kept)
    #expect(CellWidth.of(CellWidth.cut(text, to: cells)) <= cells)
  }
}

@Suite struct TableTests {
  /// Rows of random cells, wide and narrow, at every width of a small terminal.
  @Test(arguments: 1...40) func `random rows fit the terminal`(width: Int) {
    var random = SeededGenerator(seed: UInt64(width))
    let pieces = ["", "a", "日本", "👍🏽", "e\u{301}", "long words ", "\u{1B}[2J", "7"]
    var table = Table([Table.Column("K"), Table.Column("N", .right), Table.Column("T")], width: width)
    var text = ""
    for _ in 0..<50 {
      text += table.add((0..<3).map { _ in (0..<3).map { _ in pieces.randomElement(using: &random) ?? "" }.joined() })
    }
    text += table.finish()
    for line in text.split(separator: "\n") {
      // The first column is never cut.
      let key = line.split(separator: "  ", omittingEmptySubsequences: false).first.map(CellWidth.of) ?? 0
      #expect(CellWidth.of(line) <= max(width, key + 3))
      #expect(line.last != " ")
    }
    #expect(!text.contains("\u{1B}"))
  }

  private func table(width: Int? = nil, style: TextStyle = .plain, _ rows: [String]...) -> String {
    var table = Table(
      [Table.Column("KEY"), Table.Column("SIZE", .right), Table.Column("TITLE", isFlexible: true)], width: width,
      style: style)
    return rows.map { table.add($0) }.joined() + table.finish()
  }

  @Test func `columns are aligned by cells`() {
    #expect(
      table(["file/日本", "5 B", "x"], ["a", "1023 B", "yy"])
        == """
        KEY          SIZE  TITLE
        file/日本     5 B  x
        a          1023 B  yy

        """)
  }

  @Test func `empty table prints nothing`() {
    #expect(table() == "")
  }

  @Test func `cells are escaped`() {
    let text = table(["k", "1", "\u{1B}[31mred\u{202E}\n"])
    #expect(text.contains(#"\u{1B}[31mred\u{202E}\u{A}"#))
    #expect(!text.contains("\u{1B}"))
  }

  @Test func `last column is cut to the terminal`() {
    let line = table(width: 24, ["key", "5 B", "a title that is far too long"]).split(separator: "\n").last
    #expect(line.map { CellWidth.of($0) } == 24)
    #expect(line?.hasSuffix("…") == true)
  }

  @Test func `no row is wider than the terminal`() {
    let lines = table(width: 12, ["key", "1023.9 KiB", "title"], ["日本", "5 B", ""]).split(separator: "\n")
    #expect(lines.allSatisfy { CellWidth.of(String($0)) <= 12 })
  }

  @Test func `first column is never cut`() {
    let key = "file/a/very/long/key/that/somebody/wants/to/copy"
    let lines = table(width: 20, [key, "5 B", "t"]).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[1] == key)
    #expect(lines[2].hasSuffix("  5 B") && CellWidth.of(lines[2]) <= 20)
  }

  private func narrow(_ width: Int, _ rows: [[String]]) -> String {
    var table = Table(
      [
        Table.Column("KEY"), Table.Column("SIZE", .right, rank: 7), Table.Column("ID", rank: 3),
        Table.Column("TITLE", rank: 1, isFlexible: true), Table.Column("STATE", rank: 9),
      ], width: width)
    return rows.map { table.add($0) }.joined() + table.finish()
  }

  @Test func `narrow terminal keeps the columns that matter`() {
    let rows = [["file/a.pdf", "1023.9 KiB", "0123456789ab", "The title of a document", "withdrawn"]]
    #expect(
      narrow(80, rows)
        == "KEY               SIZE  ID            TITLE                    STATE\n"
        + "file/a.pdf  1023.9 KiB  0123456789ab  The title of a document  withdrawn\n")
    #expect(
      narrow(60, rows).hasSuffix("file/a.pdf  1023.9 KiB  0123456789ab  The title …  withdrawn\n"))
    #expect(narrow(40, rows) == "KEY               SIZE  STATE\nfile/a.pdf  1023.9 KiB  withdrawn\n")
    #expect(narrow(24, rows) == "KEY         STATE\nfile/a.pdf  withdrawn\n")
  }

  @Test func `one long key does not hide the columns of the other rows`() {
    let key = "file/" + String(repeating: "x", count: 60)
    let text = narrow(40, [[key, "5 B", "a", "t", "shared"], ["file/a", "6 B", "b", "u", "shared"]])
    #expect(text.split(separator: "\n").last?.hasSuffix(" 6 B  b   shared") == true)
    #expect(text.contains("\n\(key)\n"))
    // The first column is that of a row on one line.
    #expect(text.split(separator: "\n")[2].hasSuffix(" 5 B  a   shared"))
  }

  @Test func `table without titles is aligned`() {
    var table = Table([Table.Column("KEY"), Table.Column("SIZE", .right)], hasTitles: false)
    #expect(table.add(["a", "5 B"]) + table.add(["bcd", "10 B"]) + table.finish() == "a     5 B\nbcd  10 B\n")
  }

  @Test func `rows have no trailing spaces`() {
    #expect(table(["a", "5 B", ""], ["b", "6 B", "x"]) == "KEY  SIZE  TITLE\na     5 B\nb     6 B  x\n")
  }

  @Test func `headers are bold on a terminal`() {
    #expect(table(style: .ansi, ["a", "b", "c"]).hasPrefix("\u{1B}[1mKEY"))
  }

  @Test func `long list is printed before its end`() {
    var table = Table([Table.Column("N", .right)])
    var text = ""
    for number in 0..<Table.measuredRows { text += table.add([String(number)]) }
    #expect(text.split(separator: "\n").count == Table.measuredRows + 1)
    #expect(table.add(["123456789"]) == "123456789\n")
    #expect(table.finish() == "")
  }

  @Test func `missing cells are empty`() {
    #expect(table(["only"]) == "KEY   SIZE  TITLE\nonly\n")
  }
}

@Suite struct QuantityTests {
  @Test(arguments: [
    (Int64(-5), "0 B"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (177_957, "173.8 KiB"),
    (1_048_524, "1023.9 KiB"), (1_048_575, "1.0 MiB"), (1 << 30, "1.0 GiB"), ((1 << 53) - 1, "8.0 PiB"),
    (.max, "8192.0 PiB"),
  ])
  func `sizes are short`(bytes: Int64, text: String) {
    #expect(Quantity.size(bytes) == text)
  }

  @Test(arguments: [
    (0, "0.00 s"), (0.021, "0.02 s"), (0.999, "1.0 s"), (1.5, "1.5 s"), (9.96, "10 s"), (59.4, "59 s"),
    (125, "2 min 05 s"),
    (11_220, "3 h 07 min"), (-1, "-"), (.infinity, "-"), (.nan, "-"),
  ])
  func `durations are short`(seconds: Double, text: String) {
    #expect(Quantity.duration(seconds) == text)
  }

  @Test func `rate needs time`() {
    #expect(Quantity.rate(2048, seconds: 2) == "1.0 KiB/s")
    #expect(Quantity.rate(2048, seconds: 0) == "-")
    #expect(Quantity.rate(.max, seconds: 1e-300) == "-")
  }

  @Test func `counted nouns have a plural`() {
    #expect(Quantity.count(1, "file") == "1 file")
    #expect(Quantity.count(0, "file") == "0 files")
  }
}

@Suite struct ShellWordsTests {
  @Test(arguments: [
    ("", []), ("  \t ", []), ("get rfc/793", ["get", "rfc/793"]), ("a  b", ["a", "b"]), ("'a b' c", ["a b", "c"]),
    (#""a \"b\" \\ \c \$""#, [#"a "b" \ \c $"#]), (#"a\ b"#, ["a b"]), ("''", [""]), (#"x"y"'z'"#, ["xyz"]),
    (#"'\'"#, [#"\"#]), ("日本 語", ["日本", "語"]),
  ])
  func `words are split as by a shell`(line: String, words: [String]) throws {
    #expect(try ShellWords.split(line) == words)
  }

  @Test(arguments: [
    ("'a", ShellWords.Failure.unclosedQuote("'")), (#"a "b"#, .unclosedQuote("\"")), (#"a\"#, .trailingBackslash),
    (#""a\"#, .unclosedQuote("\"")),
  ])
  func `unclosed quotes are errors`(line: String, failure: ShellWords.Failure) {
    #expect(throws: failure) { try ShellWords.split(line) }
  }
}

@Suite struct UnfinishedLineTests {
  @Test(
    arguments: [
      ("", [], "", "", nil), ("get", [], "get", "get", nil), ("get ", ["get"], "", "", nil),
      (#"get a\ b"#, ["get"], "a b", #"a\ b"#, nil), ("get 'a b", ["get"], "a b", "'a b", "'"),
      (#"get "a"b" "#, ["get"], #"ab "#, #""a"b" "#, "\""), ("get ''", ["get"], "", "''", nil),
      (#"x\"#, [], "x", #"x\"#, nil),
    ] as [(String, [String], String, String, Character?)])
  func `partial line is split`(line: String, words: [String], typed: String, raw: String, quote: Character?) {
    let unfinished = PartialLine(line)
    #expect(unfinished.words == words)
    #expect(unfinished.typed == typed)
    #expect(unfinished.raw == raw)
    #expect(unfinished.quote == quote)
  }

  @Test(
    arguments: [
      ("get file/tw", "file/two words", "file/tw", #"file/two\ words"#),
      (#"get file/two\ w"#, "file/two words", #"file/two\ w"#, #"file/two\ words"#),
      (#"get "file/two w"#, "file/two words", "w", "words"), ("get 'it", "it's", "it", #"it'\''s"#),
      (#"get ""#, #"a"$`\b"#, "", #"a\"\$\`\\b"#), ("get ", "日本 語", "", #"日本\ 語"#),
      ("get e\u{301}", "\u{E9}t\u{E9}", "e\u{301}", "\u{E9}t\u{E9}"), ("get \"e\u{301}", "\u{E9}t", "e\u{301}", nil),
      ("get a", "b", "a", nil),
      ("get \u{1F469}", "\u{1F469}\u{200D}\u{1F467}x", "\u{1F469}", "\u{1F469}\u{200D}\u{1F467}x"),
      ("get a", "a\u{1B}", "a", nil), ("get ", "~x", "", #"\~x"#),
    ] as [(String, String, String, String?)])
  func `word is completed inside open quotes`(line: String, word: String, replaced: String, expected: String?) {
    let text = PartialLine(line).completed(to: word, replacing: replaced)
    // Byte by byte, as file names are compared.
    #expect(text.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
    guard let text, !line.contains("\u{301}") else { return }
    let whole = line.dropLast(replaced.count) + text
    let closed = PartialLine(line).quote.map { whole + String($0) } ?? String(whole)
    #expect((try? ShellWords.split(closed))?.last == word)
  }

  @Test(arguments: [
    ("get --from=a", "a"), (#"get file/a\@b"#, #"file/a\@b"#), ("get file/a@b", "b"), (#"get "file/a b"#, "file/a b"),
    ("get a:b:c", "c"), ("get plain", "plain"),
  ])
  func `bash replaces from the last word break`(line: String, replaced: String) {
    #expect(PartialLine(line).replacedByBash(breaks: " \t\n\"'@><=;|&(:") == replaced)
  }
}

@Suite struct ClosestWordTests {
  private let verbs = ["add", "lookup", "list", "get", "remove", "status", "peers", "transfers"]

  @Test(arguments: [
    ("loookup", "lookup"), ("statsu", "status"), ("lst", "list"), ("gte", "get"), ("peer", "peers"),
    ("transfer", "transfers"),
  ])
  func `one typing error is corrected`(typed: String, meant: String) {
    #expect(ClosestWord.to(typed, among: verbs) == meant)
  }

  @Test func `distance agrees with its definition`() {
    func reference(_ left: ArraySlice<Character>, _ right: ArraySlice<Character>) -> Int {
      guard let first = left.first, let other = right.first else { return max(left.count, right.count) }
      let (rest, otherRest) = (left.dropFirst(), right.dropFirst())
      var best = min(
        reference(rest, otherRest) + (first == other ? 0 : 1), reference(rest, right) + 1,
        reference(left, otherRest) + 1)
      if let second = rest.first, let otherSecond = otherRest.first, first == otherSecond, second == other {
        best = min(best, reference(rest.dropFirst(), otherRest.dropFirst()) + 1)
      }
      return best
    }
    var random = SeededGenerator(seed: 3)
    for _ in 0..<300 {
      let words = (0..<2).map { _ in
        (0..<Int.random(in: 0...5, using: &random)).map { _ in "abc".randomElement(using: &random) ?? "a" }
      }
      #expect(ClosestWord.distance(words[0], words[1]) == reference(words[0][...], words[1][...]), "\(words)")
    }
  }

  @Test func `several words may be close`() {
    let keys = [
      "file/paper.pdf", "file/Papers.pdf", "file/pauper.pdf", "file/other", "rfc/793",
      String(repeating: "x", count: 99),
    ]
    #expect(
      ClosestWord.nearest(to: "file/papre.pdf", among: keys, limit: 2) == ["file/paper.pdf", "file/Papers.pdf"])
    #expect(ClosestWord.nearest(to: "FILE/PAPER.PDF", among: keys, limit: 1) == ["file/paper.pdf"])
    #expect(ClosestWord.nearest(to: "data/cats", among: keys, limit: 3).isEmpty)
    #expect(ClosestWord.nearest(to: String(repeating: "x", count: 100), among: keys, limit: 3).isEmpty)
  }

  @Test(arguments: ["dance", "", "x", String(repeating: "l", count: 10_000)])
  func `distant words are not suggested`(typed: String) {
    #expect(ClosestWord.to(typed, among: verbs) == nil)
  }
}

@Suite struct ProgressTests {
  private func line(_ label: String = "x", _ done: Int64, of total: Int64, width: Int) -> String {
    ProgressLine.line(
      label: label, done: done, total: total, gained: done, elapsed: 2, showsEstimate: true, width: width)
  }

  @Test func `line shows amount rate and remaining time`() {
    #expect(
      line("rfc/793", 524_288, of: 1_048_576, width: 100)
        == "rfc/793  [##################------------------]   50%  2.0 s left  256.0 KiB/s  512.0 KiB of 1.0 MiB")
  }

  @Test func `narrow line keeps the share and the remaining time`() {
    let narrow = line("file/a-long-name.bin", 524_288, of: 1_048_576, width: 37)
    #expect(narrow.contains("50%") && narrow.contains("2.0 s left"))
  }

  @Test(arguments: [20, 21, 33, 40, 57, 80, 200])
  func `line is never wider than the terminal`(width: Int) {
    for done in [Int64(0), 5, 1 << 40, .max] {
      #expect(CellWidth.of(line("a very long 日本語 name of a file", done, of: 1 << 40, width: width)) <= width)
    }
  }

  @Test func `odd numbers are handled`() {
    #expect(line("x", -5, of: 0, width: 80).contains("100%"))
    #expect(line("x", .max, of: 10, width: 80).contains("100%"))
    #expect(line("x\u{1B}", 0, of: -7, width: 80).contains(#"x\u{1B}"#))
  }

  @Test func `line changes at most ten times a second`() {
    let start = ContinuousClock.now
    var meter = ProgressLine(start: start)
    func update(_ done: Int64, after milliseconds: Int64) -> String? {
      meter.update(label: "x", done: done, total: 10, width: 80, now: start + .milliseconds(milliseconds))
    }
    #expect(update(1, after: 0) != nil)
    #expect(update(2, after: 99) == nil)
    #expect(update(3, after: 100) != nil)
    #expect(update(10, after: 101) != nil)
  }

  @Test func `rate is that of the last seconds`() {
    let start = ContinuousClock.now
    var meter = ProgressLine(start: start)
    _ = meter.update(label: "x", done: 0, total: 1 << 30, width: 100, now: start)
    _ = meter.update(label: "x", done: 100 << 20, total: 1 << 30, width: 100, now: start + .seconds(1))
    _ = meter.update(label: "x", done: 100 << 20, total: 1 << 30, width: 100, now: start + .seconds(58))
    let text = meter.update(
      label: "x", done: (100 << 20) + 4096, total: 1 << 30, width: 100, now: start + .seconds(60))
    #expect(text?.contains("  2.0 KiB/s  ") == true, "\(text ?? "")")
  }

  @Test func `waiting line shows the rate and the width of now`() {
    let start = ContinuousClock.now
    var meter = ProgressLine(start: start)
    #expect(meter.repeated(width: 80, now: start) == nil)
    _ = meter.update(label: "x", done: 0, total: 1 << 30, width: 100, now: start)
    _ = meter.update(label: "x", done: 1 << 20, total: 1 << 30, width: 100, now: start + .seconds(1))
    var text = ""
    for second in 2...8 { text = meter.repeated(width: 100, now: start + .seconds(second)) ?? "" }
    #expect(text.contains("  stalled  ") && !text.contains("/s"))
    #expect(meter.repeated(width: 30, now: start + .seconds(9)).map { CellWidth.of($0) <= 30 } == true)
    _ = meter.update(label: "x", done: 1 << 30, total: 1 << 30, width: 100, now: start + .seconds(10))
    #expect(meter.repeated(width: 80, now: start + .seconds(11)) == nil)
  }

  /// A terminal echoes ^C after the line; a wrapped line could not be cleared.
  @Test func `line leaves room for Ctrl-C`() {
    var meter = ProgressLine(start: .now)
    let text = meter.update(
      label: String(repeating: "x", count: 90), done: 1, total: 2, width: 60, now: .now + .seconds(5))
    #expect(text.map { CellWidth.of($0) <= 57 } == true)
  }

  @Test func `drawn line is cleared once`() {
    var line = OverwrittenLine()
    #expect(line.clear(width: 80) == "")
    #expect(line.replace(with: "abc", width: 80) == "abc")
    #expect(line.replace(with: "abcd", width: 80) == "\r\u{1B}[Kabcd")
    #expect(line.clear(width: 80) == "\r\u{1B}[K")
    #expect(line.clear(width: 80) == "")
  }

  /// A terminal that became narrower has wrapped the line.
  @Test(arguments: [(80, 0), (77, 0), (76, 1), (40, 1), (39, 1), (38, 2), (20, 3)])
  func `line that was wrapped is cleared whole`(width: Int, rows: Int) {
    var line = OverwrittenLine()
    _ = line.replace(with: String(repeating: "x", count: 77), width: 80)
    #expect(line.clear(width: width) == "\r\u{1B}[K" + String(repeating: "\u{1B}[A\u{1B}[K", count: rows))
  }

  @Test func `whatever is written removes the drawn line`() throws {
    let fixture = try CommandFixture()
    let console = fixture.console
    let writes: [() -> Void] = [
      { console.note("note\n") }, { _ = try? console.writeLine("row") }, { _ = try? console.writeJSON(["a": 1]) },
      { console.report(CommandFailure(.failed, "it failed")) },
    ]
    for write in writes {
      console.draw("bar")
      write()
      #expect(fixture.errors.text.contains("bar\r\u{1B}[K"))
      #expect(!fixture.errors.text.hasSuffix("bar"))
    }
    #expect(fixture.errors.text.hasSuffix("bar\r\u{1B}[Kp2pctl: it failed\n"))
  }
}

@Suite struct WrappedTextTests {
  @Test(arguments: [
    ("a bb ccc", 4, ["a bb", "ccc"]), ("", 4, [""]), ("abcdefgh ij", 4, ["abcdefgh", "ij"]), ("日本 語", 4, ["日本", "語"]),
    ("Start it: p2pctl supervisor start", 12, ["Start it:", "p2pctl supervisor start"]),
  ])
  func `text is broken at spaces`(text: String, width: Int, lines: [String]) {
    #expect(WrappedText.lines(text, width: width) == lines)
  }

  @Test func `text is beside its label or below it`() {
    func text(_ width: Int?) -> String {
      WrappedText.beside("label", "one two three four", indent: 8, width: width)
    }
    #expect(text(nil) == "label   one two three four\n")
    #expect(text(40) == "label   one two three four\n")
    #expect(
      WrappedText.beside("l", "aaaaaaaaaaaa bbbbbbbbbbbb", indent: 4, width: 26)
        == "l   aaaaaaaaaaaa\n    bbbbbbbbbbbb\n")
    #expect(text(20) == "label\n  one two three four\n")
    #expect(text(12) == "label\n one two\n three four\n")
  }
}
