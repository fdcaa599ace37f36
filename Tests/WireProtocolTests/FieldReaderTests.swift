// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import Testing
import WireProtocol

/// One field, for any back end.
protocol Field {
  static func read(_ fields: some FieldReader) throws(WireFailure)
}

/// The accepted values and the exact error messages of each kind of field.
@Suite struct FieldReaderTests {
  private func check(_ field: any Field.Type, _ table: [(line: String, refusal: String?)]) throws {
    for (line, expected) in table {
      #expect(try read(line) { object in refusal { try field.read(object) } } == expected, "\(line)")
      let members = try members(line)
      #expect(refusal { try field.read(members) } == expected, "\(line)")
    }
  }

  @Test func `strings`() throws {
    enum Required: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.string("x") }
    }
    enum Optional: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.optionalString("x") }
    }
    let wrong: [(String, String?)] = [
      (#"{"x":5}"#, "x is a string"), (#"{"x":1.5}"#, "x is a string"), (#"{"x":true}"#, "x is a string"),
      (#"{"x":[]}"#, "x is a string"), (#"{"x":{}}"#, "x is a string"), (#"{"x":""}"#, nil),
      (#"{"x":"\u00e9\n"}"#, nil),
    ]
    try check(Required.self, wrong + [("{}", "x is missing"), (#"{"X":"a"}"#, "x is missing")])
    try check(Optional.self, wrong + [("{}", nil)])
  }

  @Test func `integers keep to their range`() throws {
    enum Required: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.integer("x", in: 2...5) }
    }
    enum Optional: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) {
        _ = try fields.optionalInteger("x", in: UInt8(2)...5)
      }
    }
    let message = "x is an integer from 2 to 5"
    let wrong: [(String, String?)] = [
      (#"{"x":1}"#, message), (#"{"x":6}"#, message), (#"{"x":-3}"#, message), (#"{"x":258}"#, message),
      (#"{"x":"3"}"#, message), (#"{"x":3.0}"#, message), (#"{"x":3e0}"#, message), (#"{"x":true}"#, message),
      (#"{"x":[3]}"#, message), (#"{"x":2}"#, nil), (#"{"x":5}"#, nil),
    ]
    try check(Required.self, wrong + [("{}", "x is missing")])
    try check(Optional.self, wrong + [("{}", nil)])
  }

  @Test func `sizes, counts and ids are integers up to 2^53 - 1`() throws {
    enum Size: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.size("x") }
    }
    enum Count: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.count("x") }
    }
    enum ID: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.requestID() }
    }
    let message = "is an integer from 0 to 9007199254740991"
    for (field, name) in [(Size.self, "x"), (Count.self, "x"), (ID.self, "id")] as [(any Field.Type, String)] {
      try check(
        field,
        [
          ("{}", "\(name) is missing"), (#"{"\#(name)":0}"#, nil), (#"{"\#(name)":9007199254740991}"#, nil),
          (#"{"\#(name)":9007199254740992}"#, "\(name) \(message)"), (#"{"\#(name)":-1}"#, "\(name) \(message)"),
          (#"{"\#(name)":9223372036854775807}"#, "\(name) \(message)"), (#"{"\#(name)":0.0}"#, "\(name) \(message)"),
        ])
    }
  }

  @Test func `ports are 1 to 65535`() throws {
    enum Port: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.port("port") }
    }
    let message = "port is an integer from 1 to 65535"
    try check(
      Port.self,
      [
        (#"{"port":1}"#, nil), (#"{"port":65535}"#, nil), (#"{"port":0}"#, message), (#"{"port":65536}"#, message),
        ("{}", "port is missing"),
      ])
  }

  @Test func `booleans are neither numbers nor strings`() throws {
    enum Bool: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.bool("x") }
    }
    let message = "x is true or false"
    try check(
      Bool.self,
      [
        (#"{"x":true}"#, nil), (#"{"x":false}"#, nil), (#"{"x":1}"#, message), (#"{"x":"true"}"#, message),
        (#"{"x":0}"#, message), ("{}", "x is missing"),
      ])
  }

  @Test func `measures are non-negative numbers`() throws {
    enum Measure: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.measure("x") }
    }
    let message = "x is a non-negative number"
    try check(
      Measure.self,
      [
        (#"{"x":0}"#, nil), (#"{"x":5}"#, nil), (#"{"x":0.5}"#, nil), (#"{"x":1e3}"#, nil), (#"{"x":-1}"#, message),
        (#"{"x":-0.5}"#, message), (#"{"x":"5"}"#, message), ("{}", "x is missing"),
      ])
    #expect(try read(#"{"x":1e3}"#) { try $0.measure("x") } == 1000)
    #expect(try members(#"{"x":7}"#).measure("x") == 7)
  }

  @Test func `objects and arrays`() throws {
    enum Object: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.object("x") }
    }
    enum Elements: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) {
        let _: [PathProblem] = try fields.elements("x")
      }
    }
    enum OptionalElements: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) {
        let _: [PathProblem] = try fields.optionalElements("x")
      }
    }
    enum Strings: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.strings("x") }
    }
    try check(
      Object.self,
      [(#"{"x":{}}"#, nil), (#"{"x":[]}"#, "x is an object"), (#"{"x":1}"#, "x is an object"), ("{}", "x is missing")])
    let elements: [(String, String?)] = [
      (#"{"x":[]}"#, nil), (#"{"x":[{"path":"/","message":""}]}"#, nil), (#"{"x":{}}"#, "x is an array"),
      (#"{"x":"[]"}"#, "x is an array"), (#"{"x":[1]}"#, "x is an array of objects"),
      (#"{"x":[{"path":"/","message":""},[]]}"#, "x is an array of objects"),
      (#"{"x":[{"path":"/"}]}"#, "message is missing"),
    ]
    try check(Elements.self, elements + [("{}", "x is missing")])
    try check(OptionalElements.self, elements + [("{}", nil)])
    try check(
      Strings.self,
      [
        (#"{"x":[]}"#, nil), (#"{"x":["a",""]}"#, nil), (#"{"x":["a",1]}"#, "x is an array of strings"),
        (#"{"x":"a"}"#, "x is an array"), ("{}", "x is missing"),
      ])
  }

  @Test func `words are of a closed list`() throws {
    enum Word: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) {
        let _: ProcessRole = try fields.word("x")
      }
    }
    try check(
      Word.self,
      [
        (#"{"x":"peer"}"#, nil), (#"{"x":"king"}"#, "x is one of index, peer, supervisor"),
        (#"{"x":"Peer"}"#, "x is one of index, peer, supervisor"), (#"{"x":1}"#, "x is a string"),
        ("{}", "x is missing"),
      ])
  }

  @Test func `digests are 64 lower-case hex digits`() throws {
    enum Peer: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.peerID("x") }
    }
    enum OptionalPeer: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.optionalPeerID("x") }
    }
    let message = "x is 64 lower-case hex digits"
    let table: [(String, String?)] = [
      (#"{"x":"\#(Sample.peer)"}"#, nil), (#"{"x":"ab"}"#, message), (#"{"x":"\#(Sample.peer)0"}"#, message),
      (#"{"x":"\#(Sample.peer.uppercased())"}"#, message), (#"{"x":5}"#, message),
      // Escapes are resolved before the digits are counted.
      (#"{"x":"\u0062\#(Sample.peer.dropFirst())"}"#, nil),
    ]
    try check(Peer.self, table + [("{}", "x is missing")])
    try check(OptionalPeer.self, table + [("{}", nil)])
  }

  @Test func `content and size come together`() throws {
    enum Both: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.content() }
    }
    let zeros = String(repeating: "0", count: 64)
    let unpaired = "a content of 64 zeros has size 0, and no other content has"
    try check(
      Both.self,
      [
        ("{}", "content is missing"), (#"{"content":"\#(Sample.root)"}"#, "size is missing"),
        (#"{"size":1}"#, "content is missing"),
        (#"{"content":"0A","size":1}"#, "content is 64 lower-case hex digits"),
        (#"{"content":"\#(Sample.root)","size":-1}"#, "size is an integer from 0 to 9007199254740991"),
        (#"{"content":"\#(Sample.root)","size":0}"#, unpaired), (#"{"content":"\#(zeros)","size":1}"#, unpaired),
        (#"{"content":"\#(zeros)","size":0}"#, nil), (#"{"content":"\#(Sample.root)","size":9007199254740991}"#, nil),
      ])
  }

  @Test func `keys, titles and names say which rule they break`() throws {
    enum Key: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.key() }
    }
    enum Title: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.title() }
    }
    enum Name: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.peerName() }
    }
    func reason(_ make: () throws(InvalidValue) -> Void) -> String? {
      do throws(InvalidValue) { try make() } catch { return error.reason }
      return nil
    }
    for text in ["rfc/7", "file/a b", "x", "rfc/07", "A/b", "file/", "file/../x", "file/e\u{301}", "file/a\u{7}"] {
      let expected = reason { () throws(InvalidValue) in _ = try DocumentKey(text) }.map { "key: \($0)" }
      try check(Key.self, [(try line(["key": .string(text)]), expected)])
    }
    for text in ["", "A title", "a\tb", "\u{202e}", "e\u{301}", String(repeating: "t", count: 513)] {
      let expected = reason { () throws(InvalidValue) in _ = try DocumentModel.Title(text) }.map { "title: \($0)" }
      try check(Title.self, [(try line(["title": .string(text)]), expected)])
    }
    for text in ["alice", "index", "", ".x", "a/b"] {
      let expected = reason { () throws(InvalidValue) in _ = try PeerName(text) }.map { "name: \($0)" }
      try check(Name.self, [(try line(["name": .string(text)]), expected)])
    }
    try check(Key.self, [("{}", "key is missing"), (#"{"key":7}"#, "key is a string")])
    try check(
      Title.self, [("{}", "title is missing"), (#"{"title":null}"#.replacing("null", with: "[]"), "title is a string")])
    try check(Name.self, [("{}", "name is missing")])
  }

  @Test func `times and addresses`() throws {
    enum Time: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.timestamp("x") }
    }
    enum Address: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.endpoint("x") }
    }
    enum Host: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.optionalHostAddress("x") }
    }
    enum Ranges: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.addressRanges("x") }
    }
    try check(Time.self, [(#"{"x":"1981-09-01T00:00:00Z"}"#, nil), ("{}", "x is missing")])
    #expect(refusal { _ = try members(#"{"x":"yesterday"}"#).timestamp("x") }?.hasPrefix("x: ") == true)
    try check(Address.self, [(#"{"x":"[::1]:7734"}"#, nil), (#"{"x":":7734"}"#, nil), ("{}", "x is missing")])
    #expect(refusal { _ = try members(#"{"x":"nowhere"}"#).endpoint("x") }?.hasPrefix("x: ") == true)
    try check(
      Host.self,
      [(#"{"x":"::1"}"#, nil), (#"{"x":"example.org"}"#, "x is an IPv4 or IPv6 address"), ("{}", nil)])
    try check(
      Ranges.self,
      [
        (#"{"x":["10.0.0.0/8","::1"]}"#, nil), (#"{"x":[]}"#, nil), ("{}", nil),
        (#"{"x":[1]}"#, "x is an array of strings"),
        (#"{"x":"10.0.0.0/8"}"#, "x is an array"),
      ])
    #expect(refusal { _ = try members(#"{"x":["10/8"]}"#).addressRanges("x") }?.hasPrefix("x: ") == true)
  }

  @Test func `collections`() throws {
    enum Collection: Field {
      static func read(_ fields: some FieldReader) throws(WireFailure) { _ = try fields.optionalCollection() }
    }
    let message = "collection is 1 to 32 of a-z, 0-9 and -"
    try check(
      Collection.self,
      [
        ("{}", nil), (#"{"collection":"rfc"}"#, nil), (#"{"collection":""}"#, message),
        (#"{"collection":"A"}"#, message),
        (#"{"collection":"\#(String(repeating: "a", count: 33))"}"#, message),
        (#"{"collection":1}"#, "collection is a string"),
      ])
  }

  // MARK: Difference between the back ends

  @Test func `null is a missing member for jansson only`() throws {
    let line = #"{"x":null,"list":null}"#
    #expect(try members(line).optionalString("x") == nil)
    #expect(refusal { _ = try members(line).object("x") } == "x is missing")
    #expect(try read(line) { object in refusal { _ = try object.optionalString("x") } } == "x is a string")
  }

  @Test func `a message is an object`() {
    for json in [[], nil, "x", 5] as [JSONValue] {
      #expect(refusal { _ = try PathProblem(json) } == "a message is a JSON object")
      #expect(refusal { _ = try ControlRequest(json) } == "a message is a JSON object")
      #expect(refusal { _ = try ControlEvent(json) } == "a message is a JSON object")
      #expect(refusal { _ = try ControlOutcome(json) } == "a message is a JSON object")
      #expect(refusal { _ = try ChildSettings(json, role: .peer) } == "a message is a JSON object")
    }
  }
}
