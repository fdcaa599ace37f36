// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing

@Suite("Strict reader: jansson is the oracle")
struct OracleTests {
  @Test("Taken by both, with the same values", arguments: Corpus.taken)
  func taken(line: String) {
    let line = Array(line.utf8)
    #expect(Oracle.jansson(line) != nil)
    #expect(Oracle.strict(line) == Oracle.jansson(line))
  }

  @Test("Refused by both", arguments: Corpus.refused)
  func refused(line: String) {
    #expect(Oracle.jansson(Array(line.utf8)) == nil)
    #expect(Oracle.strict(Array(line.utf8)) == nil)
  }

  @Test("Malformed UTF-8 is refused by both, wherever it stands in a word of eight bytes", arguments: Corpus.malformed)
  func malformed(text: [UInt8]) {
    for padding in 0..<9 {
      let inside = [UInt8](repeating: UInt8(ascii: "x"), count: padding) + text
      for (opening, closing) in [(#"{"a":""#, #""}"#), (#"{""#, #"":1}"#)] {
        let line = Corpus.line(around: inside, from: opening, to: closing)
        #expect(Oracle.jansson(line) == nil)
        #expect(Oracle.strict(line) == nil)
      }
    }
  }

  @Test("Generated lines have the same fate and the same values", arguments: 0..<8)
  func generated(seed: Int) {
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

  @Test("Damaged lines have the same fate and the same values", arguments: 0..<8)
  func mutated(seed: Int) {
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

  @Test("Every beginning of a line is refused, and so is the line with any byte after it")
  func prefixes() {
    let line = Array(#"{"id":3,"op":"lookup","k":["é",-1.5e3,true,false,null,{"a":"\u20AC\\"}]}"#.utf8)
    #expect(Oracle.strict(line) != nil)
    for length in 0..<line.count { #expect(Oracle.strict(Array(line[..<length])) == nil) }
    for byte in UInt8.min...UInt8.max {
      #expect((Oracle.strict(line + [byte]) != nil) == [0x20, 0x09, 0x0A, 0x0D].contains(byte))
    }
  }
}
