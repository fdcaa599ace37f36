// SPDX-License-Identifier: Apache-2.0

import LineJSON
import TestSupport
import Testing

@Suite struct WriterOracleTests {
  private static let keys: [StaticString] = [
    "id", "op", "a \"quoted\" key", "back\\slash", "é", "", "line\nbreak", "k7",
  ]

  /// Writes a random value and says what was meant.
  private func write(_ writer: inout JSONWriter, _ random: inout SeededGenerator, depth: Int) -> JSONValue {
    switch Int.random(in: 0..<(depth < 5 ? 8 : 6), using: &random) {
    case 0:
      let number = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0..<64, using: &random)
      writer.integer(number)
      return .integer(number)
    case 1:
      let bits = Double(bitPattern: random.next())
      writer.real(bits)
      return bits.isFinite ? .real(bits) : .null
    case 2:
      let value = Bool.random(using: &random)
      writer.bool(value)
      return .bool(value)
    case 3, 4, 5:
      let text = text(&random)
      random.once(in: 2) ? writer.string(text) : writer.string(utf8: text.utf8)
      return .string(text)
    case 6:
      writer.beginArray()
      let elements = (0..<Int.random(in: 0...4, using: &random)).map { _ in write(&writer, &random, depth: depth + 1) }
      writer.endArray()
      return .array(elements)
    default:
      return writeObject(&writer, &random, depth: depth + 1)
    }
  }

  private func writeObject(_ writer: inout JSONWriter, _ random: inout SeededGenerator, depth: Int) -> JSONValue {
    var members = JSONMembers()
    writer.beginObject()
    for key in Self.keys where random.once(in: 2) {
      writer.key(key)
      members[key.description] = write(&writer, &random, depth: depth)
    }
    writer.endObject()
    return .object(members)
  }

  private func text(_ random: inout SeededGenerator) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0...40, using: &random) {
      let limit = random.pick([0x7F, 0x7F, 0x7FF, 0xFFFF, 0x10FFFF] as [UInt32])
      text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: 1...limit, using: &random)) ?? "x")
    }
    return text
  }

  @Test(arguments: 0..<8)
  func `both readers read random values back`(seed: Int) {
    var random = SeededGenerator(seed: 2_000 + UInt64(seed))
    var writer = JSONWriter()
    var reader = JSONReader()
    for _ in 0..<200 {
      writer.bytes.removeAll(keepingCapacity: true)
      let meant = Oracle.form(of: writeObject(&writer, &random, depth: 1))
      writer.endLine()
      #expect(writer.bytes.firstIndex(of: UInt8(ascii: "\n")) == writer.bytes.count - 1)
      #expect(Oracle.strict(writer.bytes, with: &reader) == meant)
      #expect(Oracle.jansson(writer.bytes) == meant)
    }
  }

  @Test func `characters up to U+0800 survive at every offset`() throws {
    var reader = JSONReader()
    for value in (1...0x800) as ClosedRange<UInt32> {
      let character = String(try #require(Unicode.Scalar(value)))
      let text =
        String(repeating: "x", count: Int(value % 9)) + character + String(repeating: "y", count: Int(value % 7))
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("text", text)
      writer.endObject()
      #expect(Oracle.strict(writer.bytes, with: &reader) == Oracle.form(of: ["text": .string(text)]))
      #expect(Oracle.jansson(writer.bytes) == Oracle.form(of: ["text": .string(text)]))
    }
  }
}
