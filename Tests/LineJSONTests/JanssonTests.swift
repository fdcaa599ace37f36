// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing

@Suite struct JanssonTests {
  private let sample: JSONValue = [
    "id": 1, "op": "add", "paths": ["/a b", "/é\n"], "on": true, "off": false, "nothing": nil, "seconds": 1.5,
    "deep": ["empty": [:], "none": []], "": "empty name",
  ]

  @Test func `a value survives in its order, and the strict reader agrees`() throws {
    let line = try Jansson.encodeLine(sample)
    #expect(line.last == UInt8(ascii: "\n"))
    #expect(line.filter { $0 == UInt8(ascii: "\n") }.count == 1)
    let decoded = try Jansson.decode(line)
    #expect(decoded == sample)
    #expect(Oracle.form(of: decoded) == Oracle.form(of: sample))
    #expect(Oracle.strict(line) == Oracle.form(of: sample))
  }

  @Test func `extreme numbers survive`() throws {
    let reals = [
      0.0, -0.0, 0.1, 1, 1e21, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .leastNormalMagnitude, -.pi,
    ]
    let value: JSONValue = [
      "integers": .array([Int64.min, -1, 0, .max].map(JSONValue.integer)), "reals": .array(reals.map(JSONValue.real)),
    ]
    #expect(try Oracle.form(of: Jansson.decode(Jansson.encodeLine(value))) == Oracle.form(of: value))
  }

  @Test func `accessors are nil for another kind`() {
    #expect(sample["id"]?.integer == 1)
    #expect(sample["id"]?.number == 1)
    #expect(sample["seconds"]?.number == 1.5)
    #expect(sample["seconds"]?.integer == nil)
    #expect(sample["op"]?.string == "add")
    #expect(sample["op"]?["x"] == nil)
    #expect(sample["on"]?.bool == true)
    #expect(sample["paths"]?.array?.count == 2)
    #expect(sample["deep"]?["empty"]?.object?.isEmpty == true)
    #expect(sample["nothing"] == .null)
    #expect(sample["missing"] == nil)
    #expect(JSONValue.integer(clamping: UInt64.max) == .integer(.max))
  }

  @Test func `members keep their order, and names are compared by bytes`() {
    var members: JSONMembers = ["b": 1, "a": 2, "b": 3]
    #expect(members.map(\.key) == ["b", "a"])
    #expect(members["b"] == 3)
    members["c"] = "x"
    members["b"] = nil
    members["nothing"] = nil
    #expect(members.map(\.key) == ["a", "c"])
    members["\u{E9}"] = 1
    members["e\u{301}"] = 2
    #expect(members.count == 4)
    #expect(members["\u{E9}"] == 1)
  }

  @Test func `objects are equal in any order of members`() {
    let left: JSONValue = ["a": 1, "b": [2]]
    #expect(left == ["b": [2], "a": 1])
    #expect(left.hashValue == (["b": [2], "a": 1] as JSONValue).hashValue)
    #expect(left != ["a": 1])
    #expect(left != ["a": 1, "c": [2]])
    #expect(left != ["a": 1, "b": [3]])
  }

  @Test func `values that no reader accepts are not encoded`() {
    func nested(_ depth: Int) -> JSONValue { (1..<depth).reduce([:]) { value, _ in ["a": value] } }
    #expect(throws: JSONEncodingError.notAnObject) { try Jansson.encodeLine([1]) }
    #expect(throws: JSONEncodingError.nulCharacter) { try Jansson.encodeLine(["a": ["\0"]]) }
    #expect(throws: JSONEncodingError.nulCharacter) { try Jansson.encodeLine(["\0": [1, 2]]) }
    #expect(throws: JSONEncodingError.notFinite) { try Jansson.encodeLine(["a": .real(.nan)]) }
    #expect(throws: JSONEncodingError.notFinite) { try Jansson.encodeLine(["a": [1, .real(.infinity)]]) }
    #expect(throws: Never.self) { try Jansson.encodeLine(nested(32)) }
    #expect(throws: JSONEncodingError.tooDeep) { try Jansson.encodeLine(nested(33)) }
  }

  @Test(
    arguments: [
      ("", .unexpectedEnd), ("{", .unexpectedEnd), ("[]", .notAnObject), ("{}x", .trailingBytes),
      (#"{"a":"\u0000"}"#, .nulCharacter), (#"{"\u0000":1}"#, .nulCharacter), (#"{"a":1e999}"#, .numberOutOfRange),
      (#"{"a":99999999999999999999}"#, .numberOutOfRange), (#"{"a":1,"a":1}"#, .duplicateKey), ("{]", .unexpectedByte),
    ] as [(String, JSONSyntaxError.Reason)])
  func `errors have the same names in both readers`(line: String, expected: JSONSyntaxError.Reason) {
    let error = #expect(throws: JSONSyntaxError.self) { try Jansson.decode(line.utf8) }
    #expect(error?.reason == expected)
  }

  @Test func `length and depth are checked before jansson parses`() throws {
    let line = Array(#"{"a":[1]}"#.utf8)
    #expect(throws: Never.self) { try Jansson.decode(line, maximumLength: line.count, maximumDepth: 2) }
    #expect(throws: JSONSyntaxError(offset: 8, reason: .tooLong)) { try Jansson.decode(line, maximumLength: 8) }
    #expect(throws: JSONSyntaxError(offset: 5, reason: .tooDeep)) { try Jansson.decode(line, maximumDepth: 1) }
    let deep = Array((String(repeating: #"{"a":"#, count: 600) + "1" + String(repeating: "}", count: 600)).utf8)
    #expect(throws: JSONSyntaxError(offset: 2_560, reason: .tooDeep)) { try Jansson.decode(deep, maximumDepth: .max) }
  }
}
