// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import Testing
import WireProtocol

/// Members, for any back end.
protocol WrittenMember {
  static func write(to fields: inout some FieldWriter)
}

/// Both back ends write the same bytes for each kind of member.
@Suite struct FieldWriterTests {
  private func check(_ member: any WrittenMember.Type, _ expected: String) throws {
    #expect(line { writer in writer.line { member.write(to: &$0) } } == expected)
    #expect(try line(.object(.written { member.write(to: &$0) })) == expected)
  }

  @Test func `strings are escaped alike`() throws {
    enum Plain: WrittenMember {
      static func write(to fields: inout some FieldWriter) {
        fields.member("a", "")
        fields.member("b", "rfc/793 é€𝄞")
      }
    }
    enum Escaped: WrittenMember {
      static func write(to fields: inout some FieldWriter) {
        fields.member("a", "\"\\/\u{8}\u{C}\n\r\t\u{1}\u{1F}\u{7F}")
      }
    }
    try check(Plain.self, #"{"a":"","b":"rfc/793 é€𝄞"}"#)
    let expected = #"{"a":"\"\\/\b\f\n\r\t\u0001\u001f"# + "\u{7F}\"}"
    #expect(line { writer in writer.line { Escaped.write(to: &$0) } } == expected)
    // jansson writes the same control characters with upper-case digits.
    let tree = try line(.object(.written { Escaped.write(to: &$0) }))
    #expect(tree.lowercased() == expected.lowercased())
    #expect(try members(tree)["a"] == members(expected)["a"])
  }

  @Test func `integers of every type`() throws {
    enum Integers: WrittenMember {
      static func write(to fields: inout some FieldWriter) {
        fields.member("a", Int64.min)
        fields.member("b", Int64.max)
        fields.member("c", UInt16.max)
        fields.member("d", Int32(-1))
        fields.member("e", 0)
        // No reader accepts more than 64 bits with a sign.
        fields.member("f", UInt64.max)
      }
    }
    try check(
      Integers.self,
      #"{"a":-9223372036854775808,"b":9223372036854775807,"c":65535,"d":-1,"e":0,"f":9223372036854775807}"#)
  }

  @Test func `booleans, reals and null`() throws {
    enum Others: WrittenMember {
      static func write(to fields: inout some FieldWriter) {
        fields.member("a", true)
        fields.member("b", false)
        fields.member("c", 0.25)
        fields.null("d")
      }
    }
    try check(Others.self, #"{"a":true,"b":false,"c":0.25,"d":null}"#)
  }

  @Test func `reals survive both back ends`() throws {
    for real in [0, 1, 0.1, 1.0 / 3, 1e21, Double.leastNonzeroMagnitude, Double.greatestFiniteMagnitude, 86_400.125] {
      let written = line { writer in writer.line { $0.member("x", real) } }
      #expect(try read(written) { try $0.measure("x") } == real)
      #expect(try members(line(.object(.written { $0.member("x", real) }))).measure("x") == real)
    }
  }

  @Test func `values of the model`() throws {
    enum Model: WrittenMember {
      static func write(to fields: inout some FieldWriter) {
        fields.member("root", Digest.zero)
        fields.member("peer", PeerID(digest: .zero))
        fields.members(of: .empty)
        fields.member("time", Timestamp(seconds: 0))
      }
    }
    let zeros = String(repeating: "0", count: 64)
    try check(
      Model.self,
      #"{"root":"\#(zeros)","peer":"\#(zeros)","content":"\#(zeros)","size":0,"time":"1970-01-01T00:00:00Z"}"#)
  }

  @Test func `objects and arrays nest`() throws {
    enum Nested: WrittenMember {
      static func write(to fields: inout some FieldWriter) {
        fields.object("a") { $0.member("b", 1) }
        fields.object("none") { _ in }
        fields.array("c", [1, 2]) { number, element in
          element.member("n", number)
          element.strings("s", ["x", ""])
        }
        fields.array("d", [PathProblem]())
        fields.array("e", [PathProblem(path: "/", message: "m")])
        fields.object("f", PathProblem(path: "/f", message: ""))
        fields.strings("g", [])
        fields.member("last", true)
      }
    }
    try check(
      Nested.self,
      #"{"a":{"b":1},"none":{},"c":[{"n":1,"s":["x",""]},{"n":2,"s":["x",""]}],"d":[],"e":[{"path":"/","message":"m"}],"#
        + #""f":{"path":"/f","message":""},"g":[],"last":true}"#)
  }

  @Test func `one writer writes many lines`() throws {
    var writer = JSONWriter()
    IndexRequest.ping.write(id: 1, to: &writer)
    WireFailure.helloRequired.write(id: nil, to: &writer)
    LookupReply(key: DocumentKey(rfc: 1), contents: [], more: 0).write(id: 2, to: &writer)
    writer.beginReply(id: 3)
    writer.member("added", 1)
    writer.endReply()
    #expect(
      String(decoding: writer.bytes, as: UTF8.self) == """
        {"id":1,"op":"ping"}
        {"id":null,"status":400,"error":"hello-required","message":"the first request must be hello"}
        {"id":2,"status":200,"key":"rfc/1","contents":[],"more":0}
        {"id":3,"status":200,"added":1}

        """)
  }

  @Test(arguments: ["\u{0}", "a\u{0}b", "\"\\", "é\u{301}", "\u{FFFF}", String(repeating: "x\n", count: 5000)])
  func `any string can be read back`(text: String) throws {
    let written = line { writer in writer.line { $0.member("x", text) } }
    // U+0000 cannot be on the wire.
    let expected = text.unicodeScalars.map { $0 == "\u{0}" ? "\u{FFFD}" : String($0) }.joined()
    #expect(try read(written) { try $0.string("x") }.unicodeScalars.elementsEqual(expected.unicodeScalars))
    #expect(try members(written).string("x").unicodeScalars.elementsEqual(expected.unicodeScalars))
  }
}
