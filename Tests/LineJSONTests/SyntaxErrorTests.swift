// SPDX-License-Identifier: Apache-2.0

import LineJSON
import TestSupport
import Testing

/// Reason and offset of every kind of error: they go into the reply to the client that sent the line.
@Suite struct SyntaxErrorTests {
  private func error(_ line: String) -> JSONSyntaxError? {
    var reader = JSONReader()
    do {
      try reader.read(Array(line.utf8)) { _ in }
      return nil
    } catch {
      return error as? JSONSyntaxError
    }
  }

  @Test(
    arguments: [
      ("", .unexpectedEnd, 0), ("{", .unexpectedEnd, 1), (#"{"a"#, .unexpectedEnd, 3), (#"{"a""#, .unexpectedEnd, 4),
      (#"{"a":"#, .unexpectedEnd, 5), (#"{"a":1"#, .unexpectedEnd, 6), (#"{"a":1,"#, .unexpectedEnd, 7),
      (#"{"a":"x"#, .unexpectedEnd, 7), (#"{"a":nul"#, .unexpectedEnd, 8), (#"{"a":[1,2"#, .unexpectedEnd, 9),
      ("[]", .notAnObject, 0), (" {}", .notAnObject, 0), ("null", .notAnObject, 0), ("\u{FEFF}{}", .notAnObject, 0),
      ("{,}", .unexpectedByte, 1), ("{a:1}", .unexpectedByte, 1), (#"{"a" 1}"#, .unexpectedByte, 5),
      (#"{"a":1,}"#, .unexpectedByte, 7), (#"{"a":1 "b":2}"#, .unexpectedByte, 7), (#"{"a":]}"#, .unexpectedByte, 5),
      (#"{"a":[1,]}"#, .unexpectedByte, 8), (#"{"a":[1}"#, .unexpectedByte, 7), (#"{"a":tru}"#, .unexpectedByte, 8),
      (#"{"a":+1}"#, .unexpectedByte, 5), (#"{"a":NaN}"#, .unexpectedByte, 5), ("{}x", .trailingBytes, 2),
      ("{} }", .trailingBytes, 3), (#"{"a":01}"#, .invalidNumber, 7), (#"{"a":-}"#, .invalidNumber, 6),
      (#"{"a":1.}"#, .invalidNumber, 7), (#"{"a":1e}"#, .invalidNumber, 7),
      (#"{"a":9223372036854775808}"#, .numberOutOfRange, 5), (#"{"a":1e400}"#, .numberOutOfRange, 5),
      (#"{"a":"\x"}"#, .invalidEscape, 6), (#"{"a":"\u00G0"}"#, .invalidEscape, 6),
      (#"{"a":"\u0000"}"#, .nulCharacter, 6), (#"{"a":"\uD800"}"#, .unpairedSurrogate, 6),
      (#"{"a":"\uDC00"}"#, .unpairedSurrogate, 6), ("{\"a\":\"\u{1}\"}", .controlCharacter, 6),
      (#"{"a":1,"a":2}"#, .duplicateKey, 8), (#"{"a":1,"\u0061":2}"#, .duplicateKey, 8),
    ] as [(String, JSONSyntaxError.Reason, Int)])
  func `an error has a reason and an offset`(line: String, reason: JSONSyntaxError.Reason, offset: Int) {
    #expect(error(line) == JSONSyntaxError(offset: offset, reason: reason))
  }

  @Test func `malformed UTF-8 is reported at its first byte`() {
    for (text, offset) in [([0x80], 6), ([0x78, 0xC0, 0xAF], 7), ([0xC3, 0xA9, 0xFF], 8)] as [([UInt8], Int)] {
      var reader = JSONReader()
      let line = Corpus.line(around: text, from: #"{"a":""#, to: #""}"#)
      #expect(throws: JSONSyntaxError(offset: offset, reason: .invalidUTF8)) { try reader.read(line) { _ in } }
    }
  }

  @Test func `the offset of a nested duplicate is that of the second name`() {
    let line = #"{"a":{"b":1,"c":[{"b":1,"b":2}]}}"#
    let second = line.utf8.count - #"b":2}]}}"#.utf8.count
    #expect(error(line) == JSONSyntaxError(offset: second, reason: .duplicateKey))
  }

  @Test func `reasons have distinct texts`() {
    #expect(Set(JSONSyntaxError.Reason.allCases.map(\.rawValue)).count == JSONSyntaxError.Reason.allCases.count)
    for reason in JSONSyntaxError.Reason.allCases {
      #expect(JSONSyntaxError(offset: 3, reason: reason).description == "\(reason.rawValue) at byte 3")
    }
  }

  /// White space between tokens changes nothing (RFC 8259 section 2), and nothing else counts as white space.
  @Test(arguments: [" ", "\t", "\r", "\n", " \t\r\n"])
  func `white space is allowed between any two tokens`(space: String) {
    let tokens = [
      "{", #""a""#, ":", "[", "1", ",", "-2.5e3", ",", "true", ",", "null", ",", "{", "}", "]", ",", #""b""#, ":",
      #""c""#, "}",
    ]
    let plain = Oracle.strict(Array(tokens.joined().utf8))
    #expect(plain != nil)
    for position in 1...tokens.count {
      let line = tokens[..<position].joined() + space + tokens[position...].joined()
      #expect(Oracle.strict(Array(line.utf8)) == plain && Oracle.jansson(Array(line.utf8)) == plain, "\(position)")
    }
  }

  @Test(arguments: ["\u{B}", "\u{C}", "\u{A0}", "\u{2028}", "\u{FEFF}", "/**/", "#"])
  func `nothing else is white space`(text: String) {
    let tokens = ["{", #""a""#, ":", "[", "1", ",", "2", "]", "}"]
    for position in 0...tokens.count {
      let line = Array((tokens[..<position].joined() + text + tokens[position...].joined()).utf8)
      #expect(Oracle.strict(line) == nil && Oracle.jansson(line) == nil, "\(position)")
    }
  }

  // MARK: Writer and reader

  @Test(arguments: 1...32)
  func `what is written nested can be read`(depth: Int) throws {
    var writer = JSONWriter()
    writer.beginObject()
    for _ in 1..<max(depth, 1) {
      writer.key("a")
      writer.beginObject()
    }
    writer.key("deepest")
    writer.bool(true)
    for _ in 0..<depth { writer.endObject() }
    let strict = Oracle.strict(writer.bytes)
    #expect(strict != nil && strict == Oracle.jansson(writer.bytes))
  }

  @Test(arguments: 1...4)
  func `both writers say the same`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      var writer = JSONWriter()
      var members = JSONMembers()
      writer.beginObject()
      for name in ["a", "b", "c"] {
        let number = Int64.random(in: .min ... .max, using: &random)
        let text = String(
          String.UnicodeScalarView(
            (0..<5).compactMap { _ in Unicode.Scalar(UInt32.random(in: 1...0x2FF, using: &random)) }))
        members[name] = .integer(number)
        members[name + "s"] = .string(text)
        switch name {
        case "a": writer.member("a", number)
        case "b": writer.member("b", number)
        default: writer.member("c", number)
        }
        switch name {
        case "a": writer.member("as", text)
        case "b": writer.member("bs", text)
        default: writer.member("cs", text)
        }
      }
      writer.endObject()
      #expect(try Oracle.jansson(writer.bytes) == Oracle.jansson(Jansson.encodeLine(.object(members))))
    }
  }
}
