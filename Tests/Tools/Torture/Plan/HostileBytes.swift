// SPDX-License-Identifier: Apache-2.0

package import TestSupport

/// Bytes that no client of ours would send.
package enum HostileBytes {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    /// Random bytes, some of them newlines.
    case noise
    /// A line longer than any limit.
    case endless
    /// Half a line and then silence.
    case half
    /// Malformed and invalid JSON: wrong types, duplicate keys, NUL, deep nesting, numbers out of range.
    case malformed
    /// A `hello`, then requests with invalid values.
    case invalid
    /// Many valid requests whose answers are never read.
    case flood
    /// The first bytes of other protocols.
    case foreign
  }

  private static let hello =
    #"{"id":1,"op":"hello","protocol":1,"peer":"\#(String(repeating: "e", count: 64))","name":"enemy"}"# + "\n"

  /// - Returns: at most 4 MiB.
  package static func make(_ kind: Kind, _ random: inout SeededGenerator) -> [UInt8] {
    switch kind {
    case .noise: noise(Int.random(in: 1...70_000, using: &random), &random)
    case .endless: Array(#"{"id":1,"op":""#.utf8) + [UInt8](repeating: 0x61, count: 3 << 20)
    case .half: Array(hello.utf8.dropLast(Int.random(in: 1...40, using: &random)))
    case .malformed: Array(shuffled(malformed, &random).joined().utf8)
    case .invalid: Array((hello + shuffled(invalid, &random).joined()).utf8)
    case .flood: Array((hello + String(repeating: flood, count: 5_000)).utf8)
    case .foreign: Array((foreign.randomElement(using: &random) ?? "").utf8)
    }
  }

  private static func noise(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
    (0..<count).map { _ in random.once(in: 40) ? 0x0A : UInt8.random(in: .min ... .max, using: &random) }
  }

  private static func shuffled(_ lines: [String], _ random: inout SeededGenerator) -> [String] {
    lines.shuffled(using: &random).map { $0 + "\n" }
  }

  private static let malformed = [
    "{", "}", "[]", "null", "{}", #"{"id":1}"#, #"{"op":"hello"}"#, #"{"id":-1,"op":"hello"}"#,
    #"{"id":1e308,"op":"hello"}"#, #"{"id":9007199254740992,"op":"hello"}"#, #"{"id":1,"id":2,"op":"hello"}"#,
    #"{"id":1,"op":"hello","protocol":"1"}"#, #"{"id":1,"op":"hello","protocol":2}"#, #"{"id":1,"op":"\u0000"}"#,
    #"{"id":1,"op":"\ud800"}"#, "{\"id\":1,\"op\":\"\u{0}\"}", "\u{FEFF}{}", #"{"id":1,"op":["#,
    String(repeating: "[", count: 500),
    #"{"a":"# + String(repeating: #"{"a":"#, count: 40) + "1" + String(repeating: "}", count: 41),
  ]

  private static let invalid = [
    #"{"id":2,"op":"add","documents":[{"key":"../../etc/passwd","title":"","content":"","size":-1}]}"#,
    #"{"id":2,"op":"add","documents":[]}"#, #"{"id":2,"op":"lookup","key":""}"#, #"{"id":2,"op":"lookup"}"#,
    #"{"id":3,"op":"list","limit":99999999999}"#, #"{"id":3,"op":"list","after":"AAAA"}"#,
    #"{"id":4,"op":"get","content":"\#(String(repeating: "f", count: 64))","size":9007199254740991,"offset":9007199254740991,"length":9007199254740991}"#,
    #"{"id":5,"op":"hashes","content":"\#(String(repeating: "0", count: 64))","size":0,"layer":63,"index":0,"length":512}"#,
    #"{"id":6,"op":"have","content":"\#(String(repeating: "a", count: 64))","size":0}"#,
    #"{"id":7,"op":"get","key":"file/none","path":"relative","force":1}"#,
    #"{"id":8,"op":"get","key":"file/none","path":"/dev/null/x","force":true}"#,
    #"{"id":9,"op":"remove","key":"file/\#(String(repeating: "x", count: 600))"}"#,
    #"{"id":10,"op":"start","name":"nobody"}"#, #"{"id":11,"op":"restart","name":""}"#, #"{"id":12,"op":"no such"}"#,
  ]

  private static let flood = #"{"id":2,"op":"list","limit":1000}"# + "\n" + #"{"id":3,"op":"status"}"# + "\n"

  private static let foreign = [
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\u{16}\u{03}\u{01}\u{02}\u{00}\u{01}\u{00}",
    "ADD RFC 123 P2P-CI/1.0\n\n",
    "\u{13}BitTorrent protocol\u{0}\u{0}\u{0}\u{0}", "*1\r\n$4\r\nPING\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
  ]
}
