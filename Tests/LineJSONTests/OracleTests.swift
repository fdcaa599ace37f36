// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing

@Suite struct OracleTests {
  @Test(arguments: Corpus.taken)
  func `both readers accept a line with the same values`(line: String) {
    let line = Array(line.utf8)
    #expect(Oracle.jansson(line) != nil)
    #expect(Oracle.strict(line) == Oracle.jansson(line))
  }

  @Test(arguments: Corpus.refused)
  func `both readers refuse a line`(line: String) {
    #expect(Oracle.jansson(Array(line.utf8)) == nil)
    #expect(Oracle.strict(Array(line.utf8)) == nil)
  }

  @Test(arguments: Corpus.malformed)
  func `both readers refuse malformed UTF-8 at every offset`(text: [UInt8]) {
    for padding in 0..<9 {
      let inside = [UInt8](repeating: UInt8(ascii: "x"), count: padding) + text
      for (opening, closing) in [(#"{"a":""#, #""}"#), (#"{""#, #"":1}"#)] {
        let line = Corpus.line(around: inside, from: opening, to: closing)
        #expect(Oracle.jansson(line) == nil)
        #expect(Oracle.strict(line) == nil)
      }
    }
  }

  @Test(arguments: 0..<8)
  func `both readers agree on generated lines`(seed: Int) {
    var generator = LineGenerator(seed: UInt64(seed))
    var reader = JSONReader()
    var takenCount = 0
    for _ in 0..<400 {
      let line = generator.line()
      let strict = Oracle.strict(line, with: &reader)
      #expect(strict == Oracle.jansson(line), "\(String(decoding: line, as: UTF8.self))")
      takenCount += strict == nil ? 0 : 1
    }
    // The generator must not have become one of bad lines only.
    #expect(takenCount > 200)
  }

  @Test(arguments: 0..<8)
  func `both readers agree on damaged lines`(seed: Int) {
    var generator = LineGenerator(seed: 1_000 + UInt64(seed))
    var reader = JSONReader()
    var takenCount = 0
    for round in 0..<4_000 {
      let line = generator.mutated(round % 2 == 0 ? generator.line() : Corpus.lines[round % Corpus.lines.count])
      let strict = Oracle.strict(line, with: &reader)
      #expect(strict == Oracle.jansson(line), "\(line)")
      takenCount += strict == nil ? 0 : 1
    }
    #expect(takenCount > 40)
  }

  @Test func `every prefix of a line and every trailing byte is refused`() {
    let line = Array(#"{"id":3,"op":"lookup","k":["é",-1.5e3,true,false,null,{"a":"\u20AC\\"}]}"#.utf8)
    #expect(Oracle.strict(line) != nil)
    for length in 0..<line.count { #expect(Oracle.strict(Array(line[..<length])) == nil) }
    for byte in UInt8.min...UInt8.max {
      #expect((Oracle.strict(line + [byte]) != nil) == [0x20, 0x09, 0x0A, 0x0D].contains(byte))
    }
  }
}
