// SPDX-License-Identifier: Apache-2.0

/// Lines for the index.
enum HostileLines {
  static func hello(_ number: Int, port: Int?) -> String {
    let port = port.map { #","port":\#($0)"# } ?? ""
    return #"{"id":1,"op":"hello","protocol":1,"peer":"\#(hex(number))","name":"p\#(number)"\#(port)}"#
  }

  static func document(_ key: String, _ content: Int, _ title: String) -> String {
    #"{"key":"\#(key)","title":"\#(title)","content":"\#(root(content))","size":10,"modified":"1981-09-01T00:00:00Z"}"#
  }

  static func add(_ documents: [String]) -> String {
    #"{"id":2,"op":"add","documents":[\#(documents.joined(separator: ","))]}"#
  }

  static func remove(_ documents: [(key: String, content: Int)]) -> String {
    let ids = documents.map { #"{"key":"\#($0.key)","content":"\#(root($0.content))","size":10}"# }
    return #"{"id":2,"op":"remove","documents":[\#(ids.joined(separator: ","))]}"#
  }

  /// What the connections of a kind send; some megabytes at most.
  static func lines(of kind: HostileBench.Kind) -> [UInt8] {
    switch kind {
    case .quiet, .departure, .silent, .watch: []
    case .ping: repeated(#"{"id":4,"op":"ping"}"#, 4000)
    case .lookup: repeated(#"{"id":4,"op":"lookup","key":"file/crowd"}"#, 2000)
    case .peer: repeated(#"{"id":4,"op":"lookup","key":"file/crowd","peer":"\#(hex(1))"}"#, 1000)
    case .search: repeated(#"{"id":4,"op":"list","words":"wor","limit":1000}"#, 1000)
    case .add:
      (0..<5).flatMap { batch in
        Array((add((0..<900).map { document("file/w\(batch)-\($0)", $0, words(batch * 1000 + $0)) }) + "\n").utf8)
      }
    case .again: repeated(add([document("file/same", 1, words(1))]), 500)
    case .answers: repeated(#"{"id":4,"op":"list","limit":1000}"#, 200)
    case .fanout: repeated(#"{"id":4,"op":"watch"}"#, 64)
    case .unfinished: Array((#"{"id":4,"op":"ping","padding":""# + String(repeating: "x", count: 1_000_000)).utf8)
    }
  }

  private static func repeated(_ line: String, _ count: Int) -> [UInt8] {
    Array(String(repeating: line + "\n", count: count).utf8)
  }

  /// A title of a hundred words that no other has.
  private static func words(_ number: Int) -> String {
    (0..<100).map { String((number * 100 + $0) &* 7919 % 1_679_616 + 46_656, radix: 36) }.joined(separator: " ")
  }

  static func root(_ content: Int) -> String { hex(content + 1) }

  private static func hex(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 64 - digits.count) + digits
  }
}
