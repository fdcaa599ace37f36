// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import Glibc
import IndexServer
import LineJSON
import NIOCore
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// A peer without an index, and when the index returns.
@Suite struct IndexComesAndGoesTests {
  @Test func `additions without an index are announced later`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      try await fixture.withPeer(acknowledgement: .milliseconds(50)) { alice in
        let answer = try await alice.add([path])
        #expect(answer.added.count == 1)
        #expect(answer.reply?["announced"] == false)
        #expect(try await alice.mine() == ["file/x": .shared])
        for _ in 0..<2 {
          try await fixture.withIndex { service in
            #expect(await eventually { service.statistics.records == 1 })
          }
        }
      }
    }
  }

  @Test func `thousands of documents are announced in batches`() async throws {
    try await DaemonFixture.with { fixture in
      let count = 2500
      #expect(mkdir(fixture.directory.file("d"), 0o700) == 0)
      for number in 0..<count { try fixture.directory.write("d/\(number)", Array("\(number)".utf8)) }
      try await fixture.withPeer(acknowledgement: .milliseconds(50)) { alice in
        let answer = try await alice.add([fixture.directory.file("d")], recursive: true)
        #expect(answer.reply?["added"] == 2500)
        try await fixture.withIndex { service in
          #expect(await eventually { service.statistics.records == count })
          #expect(try await alice.everything().count == count)
          let limited = try await alice.ask(.list(ListDocuments(limit: 1500)))
          #expect(limited.listed.count == 1500)
          #expect(limited.reply?["documents"] == 1500)
        }
      }
    }
  }

  @Test func `shares and id survive a restart`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      try await fixture.withIndex { service in
        var id: PeerID?
        try await fixture.withPeer { alice in
          id = alice.daemon.id
          _ = try await alice.add([path])
        }
        #expect(await eventually { service.statistics.records == 0 })
        try await fixture.withPeer { alice in
          #expect(alice.daemon.id == id, "the key is kept")
          #expect(await eventually { service.statistics.records == 1 })
        }
      }
    }
  }

  @Test func `status describes peer, index and shares`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", pattern(1000))
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          _ = try await alice.add([path])
          let status = try await alice.status()
          #expect(status.name.text == "alice")
          #expect(status.peer == alice.daemon.id)
          #expect(status.socket == alice.socket)
          #expect(status.uploads == alice.daemon.uploads)
          #expect(status.uploads.port != 0)
          #expect(status.index.address == fixture.indexEndpoint)
          #expect(status.index.connected)
          #expect(status.index.source == .settings)
          #expect(status.documents == 1)
          #expect(status.bytes == 1000)
          let peers = try await alice.ask(.peers(limit: nil))
          let connected = peers.events.compactMap { if case .peer(let peer) = $0 { peer } else { nil } }
          #expect(connected.map(\.peer) == [alice.daemon.id])
          #expect(connected.map(\.documents) == [1])
          #expect(try await alice.ask(.transfers(ListTransfers())).reply?["transfers"] == 0)
        }
      }
    }
  }

  @Test func `chosen index survives a restart`() async throws {
    try await DaemonFixture.with { fixture in
      let nowhere = Endpoint(host: "127.0.0.1", port: 1)
      try await fixture.withIndex { _ in
        try await fixture.withPeer(acknowledgement: .milliseconds(50), index: nowhere) { alice in
          let before = try await alice.status()
          #expect(!before.index.connected)
        }
        try await fixture.withPeer(index: nowhere) { alice in
          let chosen: ControlConnectReply = try await alice.reply(.connect(fixture.indexEndpoint))
          #expect(chosen == ControlConnectReply(address: fixture.indexEndpoint, connected: true, source: .connect))
        }
        try await fixture.withPeer(acknowledgement: .seconds(2), index: nowhere) { alice in
          let kept = try await alice.status()
          #expect(kept.index.source == .connect)
          #expect(kept.index.connected)
          let forgotten: ControlConnectReply = try await alice.reply(.connect(nil))
          #expect(
            forgotten
              == ControlConnectReply(address: nowhere, connected: false, source: .settings, error: forgotten.error))
          #expect(forgotten.error != nil)
          let useless = try await alice.ask(.connect(Endpoint(host: "127.0.0.1", port: 0)))
          #expect(useless.failure?.code == .usage)
        }
      }
    }
  }

  @Test func `hello is answered without an index`() async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withPeer { alice in
        try await onThread {
          let waiting = try RawConnection(path: alice.socket)
          _ = try waiting.ask(#"{"id":1,"op":"hello","protocol":1}"#)
          try waiting.send(#"{"id":2,"op":"list"}"#)
          let greeting = try RawConnection(path: alice.socket).ask(#"{"id":1,"op":"hello","protocol":1}"#)
          #expect(greeting["role"] == "peer")
          #expect(greeting["name"] == "alice")
          #expect(greeting["peer"]?.string == alice.daemon.id.hex)
        }
      }
    }
  }
}
