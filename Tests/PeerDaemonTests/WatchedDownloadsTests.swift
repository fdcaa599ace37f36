// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// Downloads that wait for a source, at an index that reports holders.
@Suite struct WatchedDownloadsTests {
  private struct Scene {
    let index: PushingIndex
    let downloads: Downloads
    let fetch: ScriptedFetch
    let request: DownloadRequest
    let content: Content
    /// What a look-up finds.
    let holders: Found
    let file: @Sendable () -> [UInt8]?

    func push(_ events: (Int, WatchEvent.Body)...) {
      index.push(events.map { WatchEvent(watch: 1, seq: $0, $1) })
    }
  }

  private final class Found: Sendable {
    private let held = Mutex<[Holder]>([])
    var all: [Holder] {
      get { held.withLock { $0 } }
      set { held.withLock { $0 = newValue } }
    }
  }

  private static func holder(_ name: String, port: UInt16 = 1) throws -> Holder {
    Holder(peer: Swarm.id(name), name: try PeerName(name), host: "127.0.0.1", port: port, complete: true)
  }

  private func scene(
    sleep: @escaping @Sendable (Duration) async throws -> Void = { _ in try await Task.sleep(for: .seconds(3600)) },
    _ body: (Scene) async throws -> Void
  ) async throws {
    try await Swarm.with { swarm in
      let bytes = pattern(600_000)
      let path = try swarm.directory.write("source", bytes)
      let alice = try await swarm.peer("alice")
      let document = try await alice.share(path, as: "file/x")
      let found = Found()
      found.all = [try Self.holder("alice")]
      let script: PushingIndex.Script = { request, id in
        guard case .lookup = request, !found.all.isEmpty else { return nil }
        let members = String(decoding: ScriptedIndex.contents(document.content, found.all), as: UTF8.self)
        return [#"{"id":\#(id),"status":200,\#(members)}"#]
      }
      try await PushingIndex.with(script) { index, endpoint in
        let bob = try await swarm.peer("bob", index: endpoint)
        let fetch = try ScriptedFetch(.noSource, path, alice.catalogue)
        let target = swarm.directory.file("target")
        try await body(
          Scene(
            index: index, downloads: swarm.downloads(of: bob, fetch: fetch.fetch, sleep: sleep), fetch: fetch,
            request: DownloadRequest(key: document.key, destination: .path(target), isShared: false),
            content: document.content, holders: found,
            file: { TemporaryDirectory.read(target) }))
      }
    }
  }

  /// No timer ends: only the report of the index can wake the download.
  @Test(.timeLimit(.minutes(1))) func `waiting download begins when a holder joins`() async throws {
    try await scene { scene in
      let failure = await #expect(throws: WireFailure.self) { try await scene.downloads.get(scene.request) }
      #expect(failure?.code == .noSource)
      #expect(await eventually { scene.index.watches == [.content(scene.content)] })
      // The holder that has just failed is no news at the beginning.
      scene.push((1, .holder(.joined, try Self.holder("alice"))), (2, .current))
      #expect(scene.fetch.calls == 1)
      scene.fetch.become(.copy)
      scene.push((3, .holder(.joined, try Self.holder("carol"))))
      #expect(await eventually { scene.file()?.count == 600_000 })
      #expect(scene.fetch.calls == 2)
      #expect(await eventually { scene.index.requests.contains(.unwatch(1)) })
    }
  }

  @Test(.timeLimit(.minutes(1))) func `other holder of the beginning wakes the download`() async throws {
    try await scene { scene in
      _ = try? await scene.downloads.get(scene.request)
      #expect(await eventually { scene.index.watches.count == 1 })
      scene.fetch.become(.copy)
      scene.push((1, .holder(.joined, try Self.holder("carol"))))
      #expect(await eventually { scene.file()?.count == 600_000 })
    }
  }

  @Test(.timeLimit(.minutes(1))) func `own records and other sources than the chosen one do not wake it`() async throws
  {
    try await scene { scene in
      var request = scene.request
      request.from = "alice"
      _ = try? await scene.downloads.get(request)
      #expect(await eventually { scene.index.watches.count == 1 })
      scene.fetch.become(.copy)
      scene.push(
        (1, .current), (2, .holder(.joined, try Self.holder("bob"))), (3, .holder(.joined, try Self.holder("carol"))))
      let lookups = scene.index.lookups
      scene.push((4, .holder(.joined, try Self.holder("alice", port: 2))))
      #expect(await eventually { scene.file()?.count == 600_000 })
      #expect(scene.index.lookups == lookups + 1)
    }
  }

  /// An index that reports a dead holder again and again must not make peers connect to it without end.
  @Test(.timeLimit(.minutes(1))) func `wakes are bounded`() async throws {
    try await scene { scene in
      _ = try? await scene.downloads.get(scene.request)
      for round in 1...4 {
        // Each fetch ends the watch, and its end begins another one.
        #expect(await eventually { scene.index.watches.count == round })
        scene.push((1, .current), (2, .holder(.joined, try Self.holder("carol"))))
        #expect(await eventually { scene.fetch.calls == 1 + round })
      }
      #expect(await eventually { scene.index.watches.count == 5 })
      scene.push((1, .current), (2, .holder(.joined, try Self.holder("carol"))))
      #expect(try await settled { scene.fetch.calls } == 5)
      #expect(scene.index.connections == 1)
    }
  }

  @Test(.timeLimit(.minutes(1))) func `index is not asked while it reports that there is nobody`() async throws {
    let sleeps = Mutex(0)
    try await scene(
      sleep: { _ in
        sleeps.withLock { $0 += 1 }
        try await Task.sleep(for: .milliseconds(5))
      }
    ) { scene in
      _ = try? await scene.downloads.get(scene.request)
      scene.holders.all = []
      // The holder that is listed at first makes each retry a fetch, with a watch of its own.
      _ = try await settled { scene.index.watches.count + scene.fetch.calls }
      scene.push((1, .current))
      let quiet = try await settled { scene.index.lookups }
      let before = sleeps.withLock { $0 }
      #expect(await eventually { sleeps.withLock { $0 } > before + 5 })
      #expect(scene.index.lookups == quiet)
    }
  }

  /// The value once it has not changed for a while.
  private func settled(_ value: () -> Int) async throws -> Int {
    var (last, same) = (value(), 0)
    while same < 20 {
      try await Task.sleep(for: .milliseconds(5))
      (last, same) = value() == last ? (last, same + 1) : (value(), 0)
    }
    return last
  }
}
