// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing

@Suite struct LineSplitterTests {
  private static let stream = "{}\n\n{\"a\":1}\r\nx\u{B}y\u{2028}z\nhalf"
  private static let lines = ["{}", "", "{\"a\":1}\r", "x\u{B}y\u{2028}z"]

  private func drain(_ splitter: inout LineSplitter) throws -> [String] {
    var lines: [String] = []
    while let line = try splitter.next() { lines.append(String(decoding: line, as: UTF8.self)) }
    return lines
  }

  @Test(arguments: 1...40)
  func `lines are the same for every chunk size`(size: Int) throws {
    var splitter = LineSplitter(maximumLength: 100)
    var lines: [String] = []
    let bytes = Array(Self.stream.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      splitter.append(Array(bytes[start..<min(bytes.count, start + size)]))
      lines += try drain(&splitter)
    }
    #expect(lines == Self.lines)
    #expect(splitter.pendingCount == 4)
    splitter.append([UInt8(ascii: "\n")])
    #expect(try drain(&splitter) == ["half"])
    #expect(splitter.pendingCount == 0)
  }

  @Test func `lines may be left while more arrives`() throws {
    var splitter = LineSplitter(maximumLength: 5)
    splitter.append(Array("one\ntwo\nth".utf8))
    #expect(try splitter.next() == Array("one".utf8))
    splitter.append(Array("ree\n".utf8))
    #expect(try drain(&splitter) == ["two", "three"])
  }

  @Test(arguments: [true, false])
  func `the longest line is accepted, one byte more is not`(byteByByte: Bool) throws {
    var splitter = LineSplitter(maximumLength: 4)
    func feed(_ text: String) {
      let pieces = byteByByte ? text.utf8.map { [$0] } : [Array(text.utf8)]
      for piece in pieces { splitter.append(piece) }
    }
    feed("1234\n")
    #expect(try drain(&splitter) == ["1234"])
    feed("ok\n12345")
    #expect(try splitter.next() == Array("ok".utf8))
    #expect(throws: LineTooLong(maximumLength: 4)) { try splitter.next() }
    feed("\nmore\n")
    #expect(throws: LineTooLong(maximumLength: 4)) { try splitter.next() }
  }

  @Test func `a line that is too long is not buffered further`() {
    var splitter = LineSplitter(maximumLength: 4)
    splitter.append(Array("12345".utf8))
    #expect(throws: LineTooLong.self) { try splitter.next() }
    for _ in 0..<100 { splitter.append(Array("12345".utf8)) }
    #expect(splitter.pendingCount == 5)
  }

  @Test func `a limit of 0 accepts empty lines only`() throws {
    var splitter = LineSplitter(maximumLength: 0)
    splitter.append(Array("\n\n".utf8))
    #expect(try drain(&splitter) == ["", ""])
    splitter.append([0x61])
    #expect(throws: LineTooLong(maximumLength: 0)) { try splitter.next() }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a trickling line is searched once`() throws {
    var splitter = LineSplitter(maximumLength: 1 << 20)
    for _ in 0..<(1 << 20) {
      splitter.append([0x61])
      #expect(try splitter.next() == nil)
    }
    splitter.append([0x0A])
    #expect(try splitter.next()?.count == 1 << 20)
  }
}
