// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing

@Suite struct WriterTests {
  private func written(_ write: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter()
    write(&writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test func `the writer adds commas`() {
    let line = written {
      $0.beginObject()
      $0.member("id", 7 as UInt8)
      $0.member("op", "add")
      $0.member("ok", true)
      $0.key("list")
      $0.beginArray()
      $0.beginObject()
      $0.endObject()
      $0.beginArray()
      $0.endArray()
      $0.integer(-1 as Int64)
      $0.null()
      $0.real(0.5)
      $0.literal("[1,2]")
      $0.endArray()
      $0.key("root")
      $0.hex { $0.append(contentsOf: "00ff".utf8) }
      $0.endObject()
      $0.endLine()
      $0.beginObject()
      $0.endObject()
      $0.endLine()
    }
    #expect(
      line == """
        {"id":7,"op":"add","ok":true,"list":[{},[],-1,null,0.5,[1,2]],"root":"00ff"}
        {}

        """)
  }

  @Test func `only what must be escaped is escaped`() {
    let text = "a\"b\\c/\u{1}\u{8}\t\n\u{C}\r\u{1F}\u{7F}é€𝄞, long enough for whole words"
    #expect(
      written { $0.string(text) }
        == #""a\"b\\c/\u0001\b\t\n\f\r\u001f"# + "\u{7F}é€𝄞, long enough for whole words\"")
  }

  @Test(arguments: [[0x61, 0x00], [0xC0, 0x80], [0x61, 0xED, 0xA0, 0x80], [0xFF]])
  func `malformed UTF-8 is replaced`(bytes: [UInt8]) throws {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("text")
    writer.string(utf8: bytes)
    writer.endObject()
    var reader = JSONReader()
    let text = try reader.read(writer.bytes) { $0["text"]?.string }
    #expect(text?.contains("\u{FFFD}") == true)
  }

  @Test func `strings from any sequence of bytes`() {
    #expect(written { $0.string(utf8: [0x61, 0x62]) } == #""ab""#)
    #expect(written { $0.string(utf8: AnySequence([0x61, 0x62])) } == #""ab""#)
    #expect(written { $0.string(utf8: [] as [UInt8]) } == #""""#)
    #expect(written { $0.string("") } == #""""#)
  }

  @Test(arguments: [Int64.min, .min + 1, -10, -1, 0, 9, 10, 99, 100, .max - 1, .max])
  func `extreme integers`(value: Int64) {
    #expect(written { $0.integer(value) } == String(value))
    #expect(written { $0.integer(Int(value)) } == String(value))
  }

  @Test func `members of every type of integer`() {
    let line = written {
      $0.beginObject()
      $0.member("a", -1)
      $0.member("b", Int64.min)
      $0.member("c", UInt16.max)
      $0.member("d", UInt64.max)
      $0.endObject()
    }
    #expect(line == #"{"a":-1,"b":-9223372036854775808,"c":65535,"d":9223372036854775807}"#)
  }

  @Test(.timeLimit(.minutes(1)))
  func `the buffer of a long line grows a few times only`() {
    var writer = JSONWriter()
    writer.beginArray()
    for value in 0..<1_000_000 { writer.integer(value) }
    writer.endArray()
    #expect(writer.bytes.count == 6_888_891)
  }

  @Test func `integers are clamped to 64 bits with a sign`() {
    #expect(written { $0.integer(UInt64.max) } == "9223372036854775807")
    #expect(written { $0.real(.infinity) } == "null")
    #expect(written { $0.real(.nan) } == "null")
  }
}
