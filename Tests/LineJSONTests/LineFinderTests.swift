// SPDX-License-Identifier: Apache-2.0

import LineJSON
import TestSupport
import Testing

@Suite struct LineFinderTests {
  private func next(_ finder: inout LineFinder, _ text: String) -> LineFinder.Result {
    let bytes = Array(text.utf8)
    return finder.next(in: bytes.span.bytes)
  }

  @Test func `line ends with its newline`() {
    var finder = LineFinder(limit: 10)
    #expect(next(&finder, "") == .incomplete)
    #expect(next(&finder, "ab") == .incomplete)
    #expect(next(&finder, "ab\nc\n") == .line(length: 2))
    #expect(next(&finder, "c\n") == .line(length: 1))
    #expect(next(&finder, "\n") == .line(length: 0))
    #expect(next(&finder, "a\rb\u{B}\u{0}\n") == .line(length: 5))
  }

  @Test func `line of exactly the limit is taken`() {
    var finder = LineFinder(limit: 4)
    #expect(next(&finder, "1234") == .incomplete)
    #expect(next(&finder, "1234\n") == .line(length: 4))
  }

  @Test func `line over the limit is noticed before it ends, and for good`() {
    var finder = LineFinder(limit: 4)
    #expect(next(&finder, "12345") == .tooLong)
    #expect(finder.isTooLong)
    #expect(next(&finder, "1\n") == .tooLong)
  }

  @Test func `newline after the limit does not help`() {
    var finder = LineFinder(limit: 4)
    #expect(next(&finder, "12345\n") == .tooLong)
  }

  @Test func `scanned bytes are not scanned again`() {
    var finder = LineFinder(limit: 10)
    #expect(next(&finder, "abc") == .incomplete)
    // The caller must not change them: what stands there now is not seen.
    #expect(next(&finder, "\nbcd\n") == .line(length: 4))
    #expect(next(&finder, "ab") == .incomplete)
    finder.discard()
    #expect(next(&finder, "\n") == .line(length: 0))
  }

  @Test(arguments: [-1, 0, Int.max]) func `limit is cut to what a line can have`(limit: Int) {
    var finder = LineFinder(limit: limit)
    #expect((0...Int(Int32.max)).contains(finder.limit))
    #expect(next(&finder, "\n") == .line(length: 0))
    #expect(next(&finder, "x") == (limit > 0 ? .incomplete : .tooLong))
  }

  /// Whatever the parts, the lines are those of `split`.
  @Test(arguments: 0..<50 as Range<UInt64>) func `parts make no difference`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let bytes = (0..<300).map { _ in random.once(in: 4) ? UInt8(0x0A) : UInt8(0x61) }
    var expected = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) }
    expected.removeLast()
    var splitter = LineSplitter(maximumLength: 300)
    var found = [[UInt8]]()
    var rest = bytes[...]
    while !rest.isEmpty {
      let size = Int.random(in: 1...20, using: &random)
      splitter.append(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
      while let line = try splitter.next() { found.append(line) }
    }
    #expect(found == expected)
  }
}
