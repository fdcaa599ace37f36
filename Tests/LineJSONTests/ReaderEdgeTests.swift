// SPDX-License-Identifier: Apache-2.0

import LineJSON
import TestSupport
import Testing

/// The places where a reader that works word by word, and keeps its memory from line to line, could go wrong.
@Suite struct ReaderEdgeTests {
  private func read<Result>(_ line: String, _ body: (JSONObject) throws -> Result) throws -> Result {
    var reader = JSONReader()
    return try reader.read(Array(line.utf8), body)
  }

  // MARK: Words of eight bytes

  /// Everything that ends a run of plain bytes, at every offset of a word and before every tail of one.
  @Test(arguments: [#"\""#, #"\\"#, #"\n"#, #"\u00e9"#, "é", "€", "𝄞", "\u{7F}", "[", "}", ":", ","])
  func `special characters are found at every offset`(text: String) throws {
    for before in 0..<18 {
      for after in 0..<18 {
        let value = String(repeating: "x", count: before) + text + String(repeating: "y", count: after)
        let line = Array(#"{"k\#(value)":"\#(value)"}"#.utf8)
        let strict = Oracle.strict(line)
        #expect(strict != nil && strict == Oracle.jansson(line), "\(before) before, \(after) after")
      }
    }
  }

  @Test(arguments: ["\u{1}", "\u{1F}", "\n", "\t", "\u{0}"])
  func `control characters are refused at every offset`(text: String) {
    for before in 0..<18 {
      let value = String(repeating: "x", count: before) + text + "y"
      #expect(Oracle.strict(Array(#"{"a":"\#(value)"}"#.utf8)) == nil, "\(before)")
      #expect(Oracle.strict(Array(#"{"\#(value)":1}"#.utf8)) == nil, "\(before)")
    }
  }

  @Test func `names that differ in one byte are told apart`() throws {
    for length in 1..<26 {
      for position in 0..<length {
        var other = [UInt8](repeating: UInt8(ascii: "a"), count: length)
        let name = String(decoding: other, as: UTF8.self)
        other[position] = UInt8(ascii: "b")
        let line = #"{"\#(name)":1,"\#(String(decoding: other, as: UTF8.self))":2}"#
        #expect(try read(line) { $0.count } == 2, "\(length), \(position)")
      }
    }
  }

  // MARK: A reader is used for many lines

  /// The table of a large object must leave nothing behind for the next one.
  @Test(arguments: 1...4)
  func `one reader judges every line as a new one does`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var shared = JSONReader()
    for _ in 0..<300 {
      let count = Int.random(in: 0...80, using: &random)
      let names = (0..<count).map { _ in "k\(Int.random(in: 0..<400, using: &random))" }
      let escaped = Bool.random(using: &random) ? #"\u006b"# : "k"
      let line = Array(
        ("{" + names.map { "\"\(escaped)\($0.dropFirst())\":0" }.joined(separator: ",") + "}").utf8)
      let isTaken = Oracle.strict(line, with: &shared) != nil
      #expect(isTaken == (Set(names).count == names.count), "\(names)")
    }
  }

  /// A table of 2^14 slots is kept, a larger one is not: both ways have to find duplicates.
  @Test(arguments: [8_000, 8_192, 8_193, 9_000])
  func `duplicates are found around the size of the kept table`(count: Int) throws {
    var reader = JSONReader()
    let names = (0..<count).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    for _ in 0..<3 {
      let last = try reader.read(Array("{\(names)}".utf8)) { $0["k7999"]?.integer }
      #expect(last == 7999)
      let error = #expect(throws: JSONSyntaxError.self) {
        try reader.read(Array("{\(names),\"k\(count / 2)\":1}".utf8)) { _ in }
      }
      #expect(error?.reason == .duplicateKey)
      #expect(error?.offset == names.utf8.count + 3)
    }
  }

  @Test func `copies of a reader are independent`() throws {
    var reader = JSONReader()
    try reader.read(Array(#"{"a":1}"#.utf8)) { outer in
      var copy = JSONReader()
      try copy.read(Array(#"{"a":2}"#.utf8)) { inner in
        #expect(outer["a"]?.integer == 1 && inner["a"]?.integer == 2)
      }
    }
    var copy = reader
    #expect(try copy.read(Array(#"{"b":3}"#.utf8)) { $0["b"]?.integer } == 3)
    #expect(try reader.read(Array(#"{"c":4}"#.utf8)) { $0["c"]?.integer } == 4)
  }

  // MARK: Values

  @Test(
    arguments: [
      (#"{"a":"lookup"}"#, true), (#"{"a":"l\u006fokup"}"#, true), (#"{"a":"lookups"}"#, false),
      (#"{"a":"looku"}"#, false), (#"{"a":"Lookup"}"#, false), (#"{"a":""}"#, false), (#"{"a":5}"#, false),
      (#"{"a":["lookup"]}"#, false), (#"{"a":null}"#, false),
    ])
  func `a string is compared without being made`(line: String, isEqual: Bool) throws {
    #expect(try read(line) { $0["a"]?.isEqual(to: "lookup") } == isEqual)
  }

  @Test func `an empty string equals an empty string only`() throws {
    #expect(try read(#"{"a":""}"#) { $0["a"]?.isEqual(to: "") } == true)
    #expect(try read(#"{"a":"x"}"#) { $0["a"]?.isEqual(to: "") } == false)
    #expect(try read(#"{"":7}"#) { $0[""]?.integer } == 7)
  }

  @Test func `the bytes of a string are handed out without its escapes`() throws {
    let table: [(String, [UInt8])] = [
      ("", []), ("é", [0xC3, 0xA9]), (#"\u00e9"#, [0xC3, 0xA9]), (#"\/a\""#, [0x2F, 0x61, 0x22]),
    ]
    for (text, bytes) in table {
      #expect(try read(#"{"a":"\#(text)"}"#) { $0["a"]?.withString { Array($0) } } == bytes)
    }
    #expect(try read(#"{"a":1}"#) { $0["a"]?.withString { Array($0) } } == nil)
  }

  @Test func `arrays are walked in their order, at any depth`() throws {
    let sums = try read(#"{"a":[[],[1],[2,[3,4]],{"b":[5]},"x"],"c":6}"#) { object in
      func sum(_ value: JSONValueView) -> Int64 {
        if let integer = value.integer { return integer }
        if let array = value.array { return array.reduce(0) { $0 + sum($1) } }
        return value.object.map { object in
          var total: Int64 = 0
          object.forEach { _, value in total += sum(value) }
          return total
        } ?? 0
      }
      return (object["a"]?.array?.map(sum), object["a"]?.array?.count)
    }
    #expect(sums.0 == [0, 1, 9, 5, 0] && sums.1 == 5)
  }

  @Test(arguments: 1...4)
  func `numbers are those of the standard library`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      let integer = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0...62, using: &random)
      #expect(try read(#"{"a":\#(integer)}"#) { $0["a"]?.integer } == integer)
      let real = Double(bitPattern: UInt64.random(in: .min ... .max, using: &random))
      guard real.isFinite, "\(real)".contains(where: { ".e".contains($0) }) else { continue }
      #expect(try read(#"{"a":\#(real)}"#) { $0["a"]?.real } == real)
    }
  }

  // MARK: The precheck of jansson

  @Test func `a raw NUL is found wherever it is`() {
    let line = Array(#"{"a":"\\\"x","b":[1,true,{"c":1.5}]}"#.utf8)
    for position in 0...line.count {
      var broken = line
      broken.insert(0, at: position)
      let error = #expect(throws: JSONSyntaxError.self) { try Jansson.decode(broken) }
      // A line that does not begin with a brace is refused before.
      #expect(error?.reason == (position == 0 ? .notAnObject : .nulCharacter), "\(position)")
      #expect(Oracle.strict(broken) == nil)
    }
  }

  @Test(arguments: [#"\""#, #"\\"#, #"\\\""#, #"[\"["#, #"]}\\"#])
  func `brackets behind escaped quotation marks are part of the string`(text: String) throws {
    let line = Array(#"{"a":"\#(text)[[[[","b":1}"#.utf8)
    #expect(throws: Never.self) { try Jansson.decode(line, maximumDepth: 1) }
    #expect(Oracle.strict(line) == Oracle.jansson(line))
  }
}

/// Members of an object, against a list of pairs.
@Suite struct JSONMembersTests {
  @Test(arguments: 1...4)
  func `members behave as a list of pairs`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var members = JSONMembers()
    var pairs: [(key: String, value: JSONValue)] = []
    let names = ["a", "b", "c", "é", "e\u{301}", ""]
    for _ in 0..<300 {
      let name = random.pick(names)
      let position = pairs.firstIndex { $0.key.utf8.elementsEqual(name.utf8) }
      if Int.random(in: 0..<3, using: &random) == 0 {
        members[name] = nil
        if let position { pairs.remove(at: position) }
      } else {
        let value = JSONValue.integer(Int64.random(in: 0...9, using: &random))
        members[name] = value
        if let position { pairs[position].value = value } else { pairs.append((name, value)) }
      }
      #expect(members.map(\.value) == pairs.map(\.value))
      #expect(zip(members, pairs).allSatisfy { $0.key.utf8.elementsEqual($1.key.utf8) })
    }
  }

  @Test(arguments: 1...4)
  func `equality and hash do not depend on the order`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let pairs = (0..<12).map { ("k\($0)", JSONValue.integer(Int64($0))) }
    let one = JSONMembers(pairs)
    for _ in 0..<50 {
      var other = JSONMembers(pairs.shuffled(using: &random))
      #expect(one == other && one.hashValue == other.hashValue)
      other["k\(Int.random(in: 0..<12, using: &random))"] = -1
      #expect(one != other)
    }
  }
}
