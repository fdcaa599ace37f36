// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Downloads as front ends see them, between whole daemons.
@Suite struct DownloadControlTests {
  private func withPeers(_ body: (DaemonFixture, Peer, [UInt8]) async throws -> Void) async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withIndex { _ in
        try await fixture.withPeer("alice") { alice in
          let bytes = pattern(600_000)
          _ = try await alice.add([try fixture.directory.write("source", bytes)], key: "file/x")
          try await fixture.withPeer("bob") { bob in try await body(fixture, bob, bytes) }
        }
      }
    }
  }

  private func rows(_ peer: Peer, all: Bool) async throws -> [RunningTransfer] {
    try await peer.ask(.transfers(ListTransfers(all: all))).events.compactMap {
      if case .transfer(let row) = $0, row.direction == .download { row } else { nil }
    }
  }

  @Test func `detached download is shown when it has ended`() async throws {
    try await withPeers { fixture, bob, bytes in
      let target = fixture.directory.file("target")
      var request = GetDocument(key: try DocumentKey("file/x"), target: .path(target))
      request.detach = true
      let reply: ControlGetReply = try await bob.reply(.get(request))
      let job = try #require(reply.job)
      #expect(reply.path == target && reply.received == 0 && reply.state != nil)
      #expect(await eventually { TemporaryDirectory.read(target) == bytes })
      #expect(await eventually { (try? await rows(bob, all: false).isEmpty) == true })
      let row = try #require(try await rows(bob, all: true).first)
      #expect(row.id == job && row.state == "done" && row.path == target && row.received == 600_000)
      #expect(row.have == row.pieces)
      // The file is here: there is nothing to do.
      let again: ControlGetReply = try await bob.reply(.get(request))
      #expect(again.job == nil && again.state == nil && again.path == target)
    }
  }

  @Test func `waiting get is told its number first`() async throws {
    try await withPeers { fixture, bob, bytes in
      let target = fixture.directory.file("target")
      let request = GetDocument(key: try DocumentKey("file/x"), target: .path(target))
      let answer = try await bob.ask(.get(request))
      guard case .job(let job)? = answer.events.first else { throw RawConnection.Failure(description: "no job") }
      #expect(job.path == target)
      #expect(answer.reply?["job"]?.integer == job.job)
      #expect(answer.reply?["received"]?.integer == 600_000)
      #expect(TemporaryDirectory.read(target) == bytes)
    }
  }

  @Test func `progress ends with the whole`() async throws {
    try await withPeers { fixture, bob, bytes in
      var request = GetDocument(key: try DocumentKey("file/x"), target: .path(fixture.directory.file("target")))
      request.progress = true
      for _ in 0..<2 {
        let answer = try await bob.ask(.get(request))
        let size = Int64(bytes.count)
        #expect(answer.events.last == .progress(DownloadProgress(received: size, size: size, state: "done")))
        #expect(answer.reply?["status"]?.integer == 200)
      }
    }
  }

  @Test func `commands for downloads are answered`() async throws {
    try await withPeers { fixture, bob, _ in
      for request in [
        ControlRequest.pause(PauseDownloads(.job(9))), .resume(.job(9)), .cancel(.key(try DocumentKey("file/y"))),
      ] {
        #expect(try await bob.ask(request).failure?.code == .notFound)
      }
      #expect(try await bob.reply(.cancel(.all), as: ControlDownloadsReply.self).downloads == 0)
      #expect(try await bob.reply(.limit(ChangeLimits()), as: ControlLimitReply.self).down == nil)
      #expect(try await bob.reply(.limit(ChangeLimits(down: 5_000)), as: ControlLimitReply.self).down == 5_000)
      #expect(try await bob.reply(.limit(ChangeLimits()), as: ControlLimitReply.self).down == 5_000)
      #expect(try await bob.reply(.limit(ChangeLimits(down: 0)), as: ControlLimitReply.self).down == nil)
    }
  }
}
