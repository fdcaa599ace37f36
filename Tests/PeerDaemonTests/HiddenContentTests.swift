// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Somebody adds more contents under a key than the index shows.
@Suite struct HiddenContentTests {
  private let bytes = pattern(100_000)

  /// Twenty contents of one peer under a key.
  private func flood(_ key: String, at index: Endpoint) throws -> RawConnection {
    let connection = try RawConnection(to: index)
    let id = String(repeating: "e", count: 64)
    _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(id)","name":"mallory","port":1}"#)
    let documents = (0..<20).map { number in
      let root = String(repeating: "0", count: 60) + String(4096 + number, radix: 16)
      return
        #"{"key":"\#(key)","title":"","content":"\#(root)","size":5,"modified":"1981-09-01T00:00:00Z"}"#
    }
    _ = try connection.ask(#"{"id":2,"op":"add","documents":[\#(documents.joined(separator: ","))]}"#)
    return connection
  }

  @Test func `content and holder are found although others hide them`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let document = try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      let mallory = try flood("file/x", at: swarm.indexEndpoint)
      let bob = try await swarm.peer("bob")
      let prefix = String(document.content.root.hex.prefix(6))
      let choices: [(from: String?, content: String?)] = [
        (nil, prefix), (nil, "\(prefix):\(bytes.count)"), ("alice", nil), (alice.id.hex, nil),
        (String(alice.id.hex.prefix(8)), prefix),
      ]
      for (number, choice) in choices.enumerated() {
        let target = swarm.directory.file("target\(number)")
        let download = try await bob.get(
          "file/x", to: target, from: choice.from, content: choice.content, share: false)
        #expect(download.sources.map(\.peer) == [alice.id])
        #expect(TemporaryDirectory.read(target) == bytes)
      }
      await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: "/nowhere", content: "abc") }
      _ = mallory
    }
  }
}
