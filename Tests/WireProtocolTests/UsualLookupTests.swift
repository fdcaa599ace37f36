// SPDX-License-Identifier: Apache-2.0

import LineJSON
import TestSupport
import Testing
import WireProtocol

/// The look-up that is answered without a reader of JSON.
@Suite struct UsualLookupTests {
  private func read(_ line: String) -> (beginning: String, key: String)? {
    Array((line + "\n").utf8).withUnsafeBytes { bytes in
      guard let lookup = UsualLookup(bytes, at: 0) else { return nil }
      #expect(lookup.end == bytes.count)
      return (String(decoding: lookup.beginning, as: UTF8.self), String(decoding: lookup.key, as: UTF8.self))
    }
  }

  @Test(
    arguments: [
      (#"{"id":0,"op":"lookup","key":"rfc/793"}"#, 0, "rfc/793"),
      (#"{"id":1,"op":"lookup","key":""}"#, 1, ""),
      (#"{"id":999999999999999,"op":"lookup","key":"data/a b/~"}"#, 999_999_999_999_999, "data/a b/~"),
      (#"{"id":12,"op":"lookup","key":"}"}"#, 12, "}"),
    ] as [(String, Int64, String)])
  func `usual look-up is recognised`(line: String, id: Int64, key: String) throws {
    let found = try #require(read(line))
    #expect(found.beginning == #"{"id":\#(id)"#)
    #expect(found.key == key)
  }

  @Test func `lines are recognised one behind the other, the last one only if it is whole`() throws {
    let line = Array((#"{"id":3,"op":"lookup","key":"rfc/1"}"# + "\n").utf8)
    for count in 0...2 * line.count {
      (line + line).prefix(count).withUnsafeBytes { bytes in
        let first = UsualLookup(bytes, at: 0)
        #expect(first?.end == (count >= line.count ? line.count : nil))
        let second = UsualLookup(bytes, at: line.count)
        #expect(second?.end == (count == 2 * line.count ? count : nil))
      }
    }
  }

  @Test(arguments: [
    "", "{", #"{"id":"#, #"{"id":1"#, #"{"id":1,"op":"lookup","key":"#, #"{"id":1,"op":"lookup","key":"}"#,
    #"{"id":1,"op":"lookup","key":""#, #"{"id":,"op":"lookup","key":"rfc/1"}"#,
    #"{"id":01,"op":"lookup","key":"rfc/1"}"#, #"{"id":-1,"op":"lookup","key":"rfc/1"}"#,
    #"{"id":1.0,"op":"lookup","key":"rfc/1"}"#, #"{"id":1000000000000000,"op":"lookup","key":"rfc/1"}"#,
    #"{"id":99999999999999999999999,"op":"lookup","key":"rfc/1"}"#, #"{"id":1,"op":"lookup","key":"rfc/1"} "#,
    #" {"id":1,"op":"lookup","key":"rfc/1"}"#, #"{"id":1, "op":"lookup","key":"rfc/1"}"#,
    #"{"id":1,"op":"lookup","key":"file/\u0041"}"#, #"{"id":1,"op":"lookup","key":"file/č"}"#,
    #"{"id":1,"op":"lookup","key":"rfc/1","key":"rfc/2"}"#, #"{"id":1,"op":"lookup","key":"rfc/1","more":1}"#,
    #"{"op":"lookup","id":1,"key":"rfc/1"}"#, #"{"id":1,"op":"list","key":"rfc/1"}"#,
  ])
  func `any other line is left to the reader of JSON`(line: String) {
    #expect(read(line) == nil)
  }

  /// Whatever is recognised, a reader of JSON understands in the same way.
  @Test func `changed lines are understood as JSON is`() throws {
    var generator = SeededGenerator(seed: 14)
    let alphabet = Array(#"{}":,\0123456789abekopruy/ "#.utf8) + [0x00, 0x1F, 0x7F, 0x80, 0xC3]
    var recognised = 0
    for _ in 0..<20_000 {
      var line = Array(#"{"id":17,"op":"lookup","key":"rfc/793"}"#.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<line.count, using: &generator)
        let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: line[place] = byte
        case 1: line.insert(byte, at: place)
        default: line.remove(at: place)
        }
      }
      try (line + [0x0A]).withUnsafeBytes { bytes in
        guard let lookup = UsualLookup(bytes, at: 0) else { return }
        recognised += 1
        let line = UnsafeRawBufferPointer(rebasing: bytes.dropLast())
        var reader = JSONReader()
        let (id, key, count) = try reader.read(line) { object in
          (object["id"]?.integer, object["key"]?.string, object.count)
        }
        #expect(String(decoding: lookup.beginning, as: UTF8.self) == #"{"id":\#(try #require(id))"#)
        #expect(key == String(decoding: lookup.key, as: UTF8.self))
        #expect(count == 3)
      }
    }
    #expect(recognised > 1000)
  }
}
