// SPDX-License-Identifier: Apache-2.0

import LineJSON
import Testing

@Suite struct ReaderTests {
  private func read<Result>(_ line: String, _ body: (JSONObject) throws -> Result) throws -> Result {
    var reader = JSONReader()
    return try reader.read(Array(line.utf8), body)
  }

  @Test func `values are read in place`() throws {
    try read(#"{ "id" : 3 , "op":"lookup","key":"rfc/793","deep":{"a":[1,{"b":null}]},"on":true,"off":false} "#) {
      #expect($0.count == 6)
      #expect($0["id"]?.integer == 3)
      #expect($0["op"]?.string == "lookup")
      #expect($0["key"]?.withString { $0.count } == 7)
      #expect($0["on"]?.bool == true)
      #expect($0["off"]?.bool == false)
      #expect($0["nothing"] == nil)
      #expect($0["k"] == nil)
      let array = try #require($0["deep"]?.object?["a"]?.array)
      #expect(array.count == 2)
      #expect(array.map(\.kind) == [.integer, .object])
      #expect(Array(array).last?.object?["b"]?.kind == .null)
    }
  }

  @Test func `a value of another kind is nil`() throws {
    try read(#"{"r":1.0,"e":1e2,"i":1,"s":"1","a":[],"o":{},"n":null}"#) {
      #expect($0["r"]?.integer == nil)
      #expect($0["r"]?.real == 1)
      #expect($0["e"]?.kind == .real)
      #expect($0["e"]?.real == 100)
      #expect($0["i"]?.real == nil)
      #expect($0["i"]?.string == nil)
      #expect($0["s"]?.integer == nil)
      #expect($0["s"]?.bool == nil)
      #expect($0["a"]?.object == nil)
      #expect($0["a"]?.array.map { Array($0).count } == 0)
      #expect($0["o"]?.array == nil)
      #expect($0["o"]?.object?.count == 0)
      #expect($0["n"]?.withString { _ in 1 } == nil)
    }
  }

  @Test func `members come in the order of the line`() throws {
    let names = try read(#"{"z":1,"\u0061":{"x":[]},"é":3}"#) { object in
      var names: [String] = []
      object.forEach { name, _ in names.append(name) }
      return names
    }
    #expect(names == ["z", "a", "é"])
  }

  @Test func `escapes are resolved in values and in names`() throws {
    try read(#"{"\u0069d":"\"\\\/\b\f\n\r\té\u20ac\uD834\uDD1E","":"empty"}"#) {
      #expect($0["id"]?.string == "\"\\/\u{8}\u{C}\n\r\té€𝄞")
      #expect($0[""]?.string == "empty")
    }
  }

  @Test func `extreme integers`() throws {
    try read(#"{"a":9223372036854775807,"b":-9223372036854775808,"c":-0,"d":0}"#) {
      #expect($0["a"]?.integer == .max)
      #expect($0["b"]?.integer == .min)
      #expect($0["c"]?.integer == 0)
      #expect($0["d"]?.integer == 0)
    }
  }

  @Test func `a reader is usable after an error`() throws {
    struct Refusal: Error {}
    var reader = JSONReader()
    #expect(throws: JSONSyntaxError(offset: 5, reason: .unexpectedEnd)) {
      try reader.read(Array(#"{"a":"#.utf8)) { _ in }
    }
    #expect(throws: Refusal.self) { try reader.read(Array("{}".utf8)) { _ in throw Refusal() } }
    #expect(try reader.read(Array(#"{"a":1}"#.utf8)) { $0["a"]?.integer } == 1)
  }
}
