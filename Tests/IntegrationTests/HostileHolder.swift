// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineJSON
import PeerIdentity
import TestSupport

/// Bytes with the hashes that prove them. At most 512 blocks.
struct ProvenBytes: Sendable {
  let bytes: [UInt8]
  let leaves: [UInt8]
  let content: Content

  init(_ bytes: [UInt8]) throws {
    var leaves = [UInt8]()
    bytes.withUnsafeBytes { MerkleTree.appendLeaves(of: $0, to: &leaves) }
    guard let content = MerkleTree.content(leaves: leaves, size: Int64(bytes.count)) else {
      throw Program.Failure(description: "no content of \(bytes.count) bytes")
    }
    (self.bytes, self.leaves, self.content) = (bytes, leaves, content)
  }

  /// The members of a request that name it.
  var named: String { #""content":"\#(content.root)","size":\#(content.size)"# }

  /// A record of it.
  func document(_ key: String, title: String = "") -> String {
    #"{"key":"\#(key)","title":"\#(title)",\#(named),"modified":"2026-01-01T00:00:00Z"}"#
  }
}

/// The answers of a peer that says it has a content.
enum HostileHolder {
  enum Habit: Sendable, CaseIterable {
    case honest
    /// Right hashes, and one wrong bit in each body.
    case wrongBytes
    /// Wrong hashes, and the bytes that have them.
    case wrongHashes
    /// Takes over the terminal of whoever reads its refusals.
    case escapes
  }

  /// What would set the title of a terminal, clear it, and go on in reverse.
  static let escapes = #"\u001b]0;owned\u0007\u001b[2J\u009b7m\u202e"#

  static func answer(_ habit: Habit, as identity: PeerIdentity, _ held: ProvenBytes) -> SecureServer.Answer {
    { request, _ in
      guard let id = request["id"]?.integer, let operation = request["op"]?.string else { return nil }
      func reply(_ members: String) -> [UInt8] { Array(#"{"id":\#(id),"status":200,\#(members)}"#.utf8) + [0x0A] }
      if operation == "hello" {
        return reply(#""protocol":1,"peer":"\#(identity.id.hex)","name":"mallory","limits":{}"#)
      }
      if habit == .escapes {
        return Array(#"{"id":\#(id),"status":404,"error":"not-found","message":"\#(escapes)"}"#.utf8) + [0x0A]
      }
      switch operation {
      case "have": return reply(#""piece":262144,"complete":true"#)
      case "hashes":
        let length = Int(request["length"]?.integer ?? 0)
        var nodes = held.leaves + [UInt8](repeating: 0, count: max(0, length * 32 - held.leaves.count))
        if habit == .wrongHashes { nodes[0] ^= 1 }
        return reply(#""hashes":\#(length)"#) + nodes
      case "get":
        guard let offset = request["offset"]?.integer, let length = request["length"]?.integer else { return nil }
        var bytes = Array(held.bytes.dropFirst(Int(offset)).prefix(Int(length)))
        if habit == .wrongBytes, let last = bytes.indices.last { bytes[last] ^= 1 }
        return reply(#""offset":\#(offset),"length":\#(bytes.count)"#) + bytes
      default: return reply(#""ok":true"#)
      }
    }
  }
}
