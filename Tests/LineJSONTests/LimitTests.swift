// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing

@Suite struct LimitTests {
  private func nested(_ depth: Int, _ open: String, _ close: String) -> [UInt8] {
    let inner = max(0, depth - 2)
    return Array(
      (#"{"a":"# + String(repeating: open, count: inner) + "[]" + String(repeating: close, count: inner) + "}").utf8)
  }

  private func reason(_ line: [UInt8], maximumDepth: Int = 32) -> JSONSyntaxError.Reason? {
    var reader = JSONReader(maximumDepth: maximumDepth)
    do {
      try reader.read(line) { _ in }
      return nil
    } catch {
      return (error as? JSONSyntaxError)?.reason
    }
  }

  @Test(arguments: [("[", "]"), (#"{"a":"#, "}")])
  func `both readers accept 32 levels and refuse 33`(open: String, close: String) {
    #expect(Oracle.strict(nested(32, open, close)) != nil)
    #expect(Oracle.jansson(nested(32, open, close)) != nil)
    #expect(reason(nested(33, open, close)) == .tooDeep)
    #expect(Oracle.jansson(nested(33, open, close)) == nil)
    #expect(reason(nested(100_000, open, close)) == .tooDeep)
    #expect(Oracle.jansson(nested(100_000, open, close)) == nil)
  }

  @Test func `the caller chooses the depth`() {
    #expect(reason(Array("{}".utf8), maximumDepth: 1) == nil)
    #expect(reason(Array(#"{"a":{}}"#.utf8), maximumDepth: 1) == .tooDeep)
    #expect(reason(nested(5_000, "[", "]"), maximumDepth: 5_000) == nil)
  }

  @Test func `brackets in strings do not count`() {
    let text = String(repeating: #"[{\""#, count: 100)
    #expect(Oracle.strict(Array(#"{"a":"\#(text)"}"#.utf8)) != nil)
    #expect(Oracle.jansson(Array(#"{"a":"\#(text)"}"#.utf8)) != nil)
  }

  @Test func `a string of 1 MiB, plain and escaped`() throws {
    let plain = String(repeating: "x", count: 1 << 20)
    var reader = JSONReader()
    #expect(try reader.read(Array(#"{"a":"\#(plain)"}"#.utf8)) { $0["a"]?.string } == plain)
    let escaped = String(repeating: #"\u00e9"#, count: 1 << 17)
    let length = try reader.read(Array(#"{"a":"\#(escaped)"}"#.utf8)) { $0["a"]?.withString { $0.count } }
    #expect(length == 1 << 18)
  }

  @Test func `a real with 1 MiB of digits`() {
    let digits = String(repeating: "7", count: 1 << 19)
    #expect(reason(Array(#"{"a":0.\#(digits)}"#.utf8)) == nil)
    #expect(reason(Array(#"{"a":\#(digits).0}"#.utf8)) == .numberOutOfRange)
    #expect(reason(Array(#"{"a":\#(digits)e-\#(1 << 19)}"#.utf8)) == nil)
    #expect(reason(Array(#"{"a":\#(digits)}"#.utf8)) == .numberOutOfRange)
  }

  /// Comparing each with each would be ten thousand million comparisons for each of these.
  @Test(.timeLimit(.minutes(1)))
  func `20,000 names with and without a duplicate`() {
    func line(_ count: Int, _ suffix: String, _ name: (Int) -> String) -> [UInt8] {
      Array(("{" + (0..<count).map { "\"\(name($0))\":0" }.joined(separator: ",") + suffix + "}").utf8)
    }
    #expect(reason(line(20_000, "") { "k\($0)" }) == nil)
    #expect(reason(line(20_000, "") { "\\u006b\($0)" }) == nil)
    #expect(reason(line(20_000, #","k0":1"#) { "k\($0)" }) == .duplicateKey)
    #expect(reason(line(20_000, #","k19999":1"#) { "\\u006b\($0)" }) == .duplicateKey)
    // One escape makes even small objects compare by hash.
    #expect(reason(line(16, "") { String(repeating: "\\n", count: 4_000 + $0) }) == nil)
  }

  @Test(arguments: 1...40)
  func `duplicates around the limit of pairwise comparison`(count: Int) {
    let names = (0..<count).map { "\"name \($0)\":[{\"a\":\($0)}]" }.joined(separator: ",")
    #expect(Oracle.strict(Array("{\(names)}".utf8)) == Oracle.jansson(Array("{\(names)}".utf8)))
    for duplicate in [0, count / 2, count - 1] {
      #expect(reason(Array("{\(names),\"name \(duplicate)\":1}".utf8)) == .duplicateKey)
      #expect(reason(Array("{\(names),\"nam\\u0065 \(duplicate)\":1}".utf8)) == .duplicateKey)
    }
  }

  @Test func `nested objects have separate names`() throws {
    let inner = (0..<20).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    let outer = (0..<20).map { "\"k\($0)\":{\(inner)}" }.joined(separator: ",")
    var reader = JSONReader()
    let sum = try reader.read(Array("{\(outer),\"last\":1}".utf8)) { object in
      var sum: Int64 = object["last"]?.integer ?? 0
      object.forEach { _, value in sum += value.object?["k19"]?.integer ?? 0 }
      return sum
    }
    #expect(sum == 381)
  }

  @Test(
    arguments: [
      ("{", .unexpectedEnd), ("{]", .unexpectedByte), ("[]", .notAnObject), (" {}", .notAnObject),
      ("{}x", .trailingBytes), (#"{"a":"\x"}"#, .invalidEscape), (#"{"a":"\ud800"}"#, .unpairedSurrogate),
      (#"{"a":"\u0000"}"#, .nulCharacter),
      ("{\"a\":\"\u{1}\"}", .controlCharacter), (#"{"a":01}"#, .invalidNumber), (#"{"a":1e999}"#, .numberOutOfRange),
      (#"{"a":1,"a":1}"#, .duplicateKey),
    ] as [(String, JSONSyntaxError.Reason)])
  func `the reason is named`(line: String, expected: JSONSyntaxError.Reason) {
    #expect(reason(Array(line.utf8)) == expected)
  }

  @Test func `an error has reason and offset`() {
    #expect(JSONSyntaxError(offset: 7, reason: .duplicateKey).description == "duplicate key at byte 7")
  }
}
