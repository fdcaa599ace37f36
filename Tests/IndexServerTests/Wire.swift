// SPDX-License-Identifier: Apache-2.0

import LineJSON

/// Lines of the index plane, and what stands in them.
enum Wire {
  static let alice = String(repeating: "a", count: 64)
  static let bob = String(repeating: "b", count: 64)

  static func root(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 63 - digits.count) + "1" + digits
  }

  static func hello(peer: String = alice, name: String = "alice", port: Int? = 40_001, more: String = "") -> String {
    let port = port.map { #","port":\#($0)"# } ?? ""
    return #"{"id":1,"op":"hello","protocol":1,"peer":"\#(peer)","name":"\#(name)"\#(port)\#(more)}"#
  }

  static func document(_ key: String, _ title: String = "T", content: Int = 1, size: Int = 10) -> String {
    """
    {"key":"\(key)","title":"\(title)","content":"\(root(content))","size":\(size),"modified":"1981-09-01T00:00:00Z"}
    """
  }

  static func add(_ documents: [String], id: Int = 2) -> String {
    #"{"id":\#(id),"op":"add","documents":[\#(documents.joined(separator: ","))]}"#
  }

  static func add(_ document: String, id: Int = 2) -> String { add([document], id: id) }

  static func lookup(_ key: String, id: Int = 3) -> String { #"{"id":\#(id),"op":"lookup","key":"\#(key)"}"# }

  static func lookup(content: Int, size: Int = 10, id: Int = 3) -> String {
    #"{"id":\#(id),"op":"lookup","content":"\#(root(content))","size":\#(size)}"#
  }

  static func remove(_ key: String, content: Int = 1, size: Int = 10, id: Int = 4) -> String {
    #"{"id":\#(id),"op":"remove","documents":[{"key":"\#(key)","content":"\#(root(content))","size":\#(size)}]}"#
  }
}

extension JSONValue {
  /// The elements of an array member; empty where there is none.
  func rows(_ name: String) -> [JSONValue] { self[name]?.array ?? [] }

  var keys: [String] { rows("documents").compactMap { $0["key"]?.string } }

  /// The holders of the only content of a look-up.
  var holders: [JSONValue] { rows("contents").first?.rows("holders") ?? [] }

  /// `status error`, such as `404 not-found`; the status alone for a success.
  var outcome: String {
    let status = self["status"]?.integer.map(String.init) ?? "none"
    return self["error"]?.string.map { "\(status) \($0)" } ?? status
  }
}
