// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing
import WireProtocol

/// Both readers, the one of the hot planes and the one of the control planes, refuse the same in the same words.
@Suite struct FieldReadingTests {
  /// One field, read by each.
  struct Field: Sendable, CustomStringConvertible {
    let description: String
    let direct: @Sendable (JSONObject) throws -> Void
    let value: @Sendable (MessageFields) throws -> Void
  }

  static let fields: [String: Field] = {
    let fields = [
      Field(description: "string") {
        _ = try $0.string("x")
      } value: {
        _ = try $0.string("x")
      },
      Field(description: "integer") {
        _ = try $0.integer("x", in: 2...5)
      } value: {
        _ = try $0.integer("x", in: 2...5)
      },
      Field(description: "bool") {
        _ = try $0.bool("x")
      } value: {
        _ = try $0.flag("x")
      },
      Field(description: "id") {
        _ = try $0.requestID()
      } value: {
        _ = try $0.requestID()
      },
      Field(description: "peer") {
        _ = try $0.peerID("x")
      } value: {
        _ = try $0.peerID("x")
      },
      Field(description: "content") {
        _ = try $0.content()
      } value: {
        _ = try $0.content()
      },
      Field(description: "key") {
        _ = try $0.key()
      } value: {
        _ = try $0.key()
      },
      Field(description: "title") {
        _ = try $0.title()
      } value: {
        _ = try $0.title()
      },
      Field(description: "time") {
        _ = try $0.timestamp("x")
      } value: {
        _ = try $0.timestamp("x")
      },
      Field(description: "name") {
        _ = try $0.peerName()
      } value: {
        _ = try $0.peerName("name")
      },
    ]
    return Dictionary(fields.map { ($0.description, $0) }) { first, _ in first }
  }()

  @Test(
    arguments: [
      ("string", "{}", "x is missing"), ("string", #"{"x":5}"#, "x is a string"), ("string", #"{"x":""}"#, nil),
      ("integer", "{}", "x is missing"), ("integer", #"{"x":"3"}"#, "x is an integer from 2 to 5"),
      ("integer", #"{"x":3.0}"#, "x is an integer from 2 to 5"),
      ("integer", #"{"x":6}"#, "x is an integer from 2 to 5"),
      ("integer", #"{"x":2}"#, nil), ("bool", "{}", "x is missing"), ("bool", #"{"x":1}"#, "x is true or false"),
      ("bool", #"{"x":false}"#, nil), ("id", "{}", "id is missing"),
      ("id", #"{"id":-1}"#, "id is an integer from 0 to 9007199254740991"), ("id", #"{"id":9007199254740991}"#, nil),
      ("peer", #"{"x":"ab"}"#, "x is 64 lower-case hex digits"), ("peer", #"{"x":"\#(Sample.peer)"}"#, nil),
      ("content", "{}", "content is missing"), ("content", #"{"content":"\#(Sample.root)"}"#, "size is missing"),
      ("content", #"{"content":"0A","size":1}"#, "content is 64 lower-case hex digits"),
      (
        "content", #"{"content":"\#(Sample.root)","size":-1}"#, "size is an integer from 0 to 9007199254740991"
      ),
      (
        "content", #"{"content":"\#(Sample.root)","size":0}"#,
        "the content of 64 zeros and the size 0 stand only together"
      ),
      ("content", #"{"content":"\#(Sample.root)","size":1}"#, nil),
      ("key", #"{"key":"rfc/07"}"#, "key: the name of an RFC is its number, without zeros before it"),
      ("key", #"{"key":"x"}"#, "key: a key is collection/name, such as rfc/793 or file/paper.pdf"),
      ("key", #"{"key":"rfc/7"}"#, nil), ("title", #"{"title":"a\tb"}"#, "title: a title holds no control characters"),
      ("title", #"{"title":"\u202e"}"#, "title: a title holds no bidirectional controls"),
      ("title", #"{"title":"e\u0301"}"#, "title: a title is in Unicode normal form C"),
      ("title", #"{"title":""}"#, nil),
      ("time", #"{"x":"yesterday"}"#, "x: a time is written like 1981-09-01T00:00:00Z (RFC 3339)"),
      ("time", #"{"x":"1981-09-01T00:00:00Z"}"#, nil),
      ("name", #"{"name":"index"}"#, "name: the name index is taken by the system itself"),
      ("name", #"{"name":"alice"}"#, nil),
    ] as [(String, String, String?)])
  func bothReadersSayTheSame(kind: String, line: String, words: String?) throws {
    let field = try #require(Self.fields[kind])
    #expect(try read(line) { object in Self.refusal { try field.direct(object) } } == words)
    let json = try Jansson.decode(line.utf8)
    #expect(Self.refusal { try field.value(MessageFields(json)) } == words)
  }

  private static func refusal(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      guard let failure = error as? WireFailure, failure.code == .badRequest else { return "another error: \(error)" }
      return failure.message
    }
  }

  @Test(
    arguments: [
      ("0", 0.0), ("5", 5), ("0.5", 0.5), ("1e3", 1000), ("-1", nil), ("-0.5", nil), (#""5""#, nil), ("null", nil),
    ] as [(String, Double?)])
  func aMeasureIsANumberThatIsNotNegative(text: String, number: Double?) throws {
    let fields = try MessageFields(try Jansson.decode(#"{"seconds":\#(text)}"#.utf8))
    #expect((try? fields.real("seconds")) == number)
  }

  @Test func aMessageIsAnObject() {
    #expect(throws: WireFailure.self) { try MessageFields(.array([])) }
    #expect(throws: WireFailure.self) { try MessageFields(.null) }
  }

  @Test func nullIsNothingOnTheControlPlanes() throws {
    let fields = try MessageFields(["x": nil, "list": nil])
    #expect(try fields.optionalString("x") == nil)
    #expect(try fields.array("list").isEmpty)
    #expect(throws: WireFailure.self) { try fields.object("x") }
  }

  @Test func aWordIsOneOfAClosedList() throws {
    let fields = try MessageFields(["role": "king"])
    let refusal = try #require(throws: WireFailure.self) { try fields.word("role", as: ProcessRole.self) }
    #expect(refusal.message == "role is one of index, peer, supervisor")
    #expect(try MessageFields(["role": "peer"]).word("role", as: ProcessRole.self) == .peer)
  }
}
