// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// `watch` on the control socket of a daemon.
@Suite struct WatchControlTests {
  private static func event(_ seq: Int, _ change: DocumentChange, _ number: UInt32, watch: Int = 1) -> WatchEvent {
    let document = Document(
      key: DocumentKey(rfc: number), title: .empty, content: .empty, modified: Timestamp(seconds: 0))
    return WatchEvent(watch: watch, seq: seq, .document(change, document, total: 1))
  }

  @Test(.timeLimit(.minutes(1))) func `changes are reported, and the state is not`() async throws {
    try await DaemonFixture.with { fixture in
      try await PushingIndex.with { index, endpoint in
        try await fixture.withPeer(index: endpoint) { alice in
          try await onThread {
            let connection = try RawConnection(path: alice.socket)
            _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1}"#)
            try connection.send(#"{"id":2,"op":"watch","prefix":"rfc/","words":"tcp"}"#)
            #expect(eventuallyOnThread { index.watches == [.documents(DocumentFilter(prefix: "rfc/", words: "tcp"))] })
            index.push([
              Self.event(1, .appeared, 1), WatchEvent(watch: 1, seq: 2, .current), Self.event(3, .gone, 1),
            ])
            #expect(try ControlEvent(connection.reply()) == .current)
            guard case .changed(.gone, let document, total: 1)? = try ControlEvent(connection.reply()) else {
              throw RawConnection.Failure(description: "no change")
            }
            #expect(document.key == DocumentKey(rfc: 1))
            index.disconnect()
            #expect(try ControlEvent(connection.reply()) == .disconnected)
            #expect(eventuallyOnThread { index.watches.count == 2 })
            index.push([WatchEvent(watch: 1, seq: 1, .current), WatchEvent(watch: 1, seq: 2, .overflow)])
            #expect(try ControlEvent(connection.reply()) == .current)
            #expect(try ControlEvent(connection.reply()) == .overflow)
            #expect(eventuallyOnThread { index.watches.count == 3 })
            index.push([WatchEvent(watch: 1, seq: 1, .current)])
            #expect(try ControlEvent(connection.reply()) == .current)
          }
          // The connection is closed.
          #expect(await eventually { index.requests.contains(.unwatch(1)) })
        }
      }
    }
  }

  @Test(.timeLimit(.minutes(1))) func `older index is named as the reason`() async throws {
    let script: PushingIndex.Script = { request, id in
      guard case .watch = request else { return nil }
      return [#"{"id":\#(id),"status":501,"error":"unknown-operation","message":"an index has no such operation"}"#]
    }
    try await DaemonFixture.with { fixture in
      try await PushingIndex.with(script) { _, endpoint in
        try await fixture.withPeer(index: endpoint) { alice in
          let failure = try await alice.ask(.watch(.all)).failure
          #expect(failure?.code == .unavailable && failure?.message.contains("older version") == true)
        }
      }
    }
  }

  @Test(.timeLimit(.minutes(1))) func `front ends beyond the limit are refused`() async throws {
    let numbers = Mutex(0)
    let script: PushingIndex.Script = { request, id in
      guard case .watch = request else { return nil }
      let number = numbers.withLock { number in
        number += 1
        return number
      }
      return [#"{"id":\#(id),"status":200,"watch":\#(number)}"#]
    }
    try await DaemonFixture.with { fixture in
      try await PushingIndex.with(script) { index, endpoint in
        try await fixture.withPeer(index: endpoint) { alice in
          try await onThread {
            var connections = [RawConnection]()
            for _ in 0..<16 {
              let connection = try RawConnection(path: alice.socket)
              _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1}"#)
              try connection.send(#"{"id":2,"op":"watch"}"#)
              connections.append(connection)
            }
            #expect(eventuallyOnThread { index.watches.count == 16 })
            let last = try RawConnection(path: alice.socket)
            _ = try last.ask(#"{"id":1,"op":"hello","protocol":1}"#)
            let reply = try last.ask(#"{"id":2,"op":"watch"}"#)
            #expect(reply["error"] == "too-many" && reply["limit"] == "watches")
          }
        }
      }
    }
  }
}
