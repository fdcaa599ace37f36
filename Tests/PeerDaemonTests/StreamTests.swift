// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// Downloads whose bytes go to readers.
@Suite struct StreamTests {
  /// Takes bytes until it has enough.
  private final class Reader: Sendable {
    struct Closed: Error {}

    private let state = Mutex<(bytes: [UInt8], job: Int64?)>(([], nil))
    private let limit: Int

    init(limit: Int = .max) {
      self.limit = limit
    }

    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var job: Int64? { state.withLock { $0.job } }

    func take(_ bytes: [UInt8]) throws {
      guard self.bytes.count < limit else { throw Closed() }
      state.withLock { $0.bytes += bytes }
    }

    func began(_ job: DownloadJob) { state.withLock { $0.job = job.job } }
  }

  private func request(
    _ scene: DownloadScene, rejoins job: Int64? = nil, offset: Int = 0, isPatient: Bool = false
  ) -> DownloadRequest {
    var request = DownloadRequest(key: scene.document.key, destination: .stream)
    request.rejoins = job.map { .init(job: $0, received: 0) }
    (request.offset, request.isPatient) = (Int64(offset), isPatient)
    return request
  }

  private func stream(
    _ downloads: Downloads, _ request: DownloadRequest, to reader: Reader
  ) async throws(WireFailure) -> Download {
    try await downloads.stream(request, began: { reader.began($0) }) { try reader.take($0) }
  }

  private func unfinished(of bob: Member) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: bob.catalogue.directory)) ?? []
    return names.filter { $0.hasSuffix(".p2p-part") }
  }

  @Test(arguments: [0, 5_000, 1_000_000]) func `reader gets everything, and nothing is kept`(size: Int) async throws {
    try await DownloadScene.with(.copy, size: size) { scene in
      let reader = Reader()
      let download = try await stream(scene.bob.downloads, request(scene), to: reader)
      #expect(reader.bytes == scene.bytes)
      #expect(download.path == "-" && download.job == reader.job)
      #expect(await eventually { scene.rows.isEmpty && unfinished(of: scene.bob).isEmpty })
      #expect(try scene.bob.catalogue.shares(of: scene.document.content).isEmpty)
    }
  }

  @Test func `verified bytes are delivered while the rest is fetched`() async throws {
    try await DownloadScene.with(.hold(pieces: 2)) { scene in
      let reader = Reader()
      async let download = stream(scene.bob.downloads, request(scene), to: reader)
      #expect(await eventually { reader.bytes.count == 2 * 262_144 })
      #expect(scene.rows.map(\.path) == ["-"])
      scene.fetch.become(.copy)
      _ = try await download
      #expect(reader.bytes == scene.bytes)
      #expect(scene.fetch.calls == 1)
    }
  }

  /// The rest is still fetched, or everything is here already.
  @Test(arguments: [ScriptedFetch.Behaviour.hold(pieces: 3), .copy])
  func `reader that leaves pauses the download, and the next one fetches the rest only`(
    _ behaviour: ScriptedFetch.Behaviour
  ) async throws {
    try await DownloadScene.with(behaviour) { scene in
      let reader = Reader(limit: 100_000)
      _ = await #expect(throws: WireFailure.self) {
        try await stream(scene.bob.downloads, request(scene), to: reader)
      }
      #expect(await scene.state("paused"))
      let job = try #require(reader.job)
      #expect(await eventually { scene.rows.map(\.id) == [job] && scene.rows.first?.have ?? 0 > 0 })
      #expect(try await scene.bob.downloads.pause(.job(job), waiter: 1) == 1)
      scene.fetch.become(.copy)
      let second = Reader()
      let download = try await stream(scene.bob.downloads, request(scene), to: second)
      #expect(second.bytes == scene.bytes && download.job == job)
      #expect(scene.fetch.found == [0, 3] || scene.fetch.found == [0])
      #expect(await eventually { scene.rows.isEmpty && unfinished(of: scene.bob).isEmpty })
    }
  }

  @Test func `short document is not kept for a reader that left`() async throws {
    try await DownloadScene.with(.hold(pieces: 0), size: 5_000) { scene in
      let reader = Reader()
      let task = Task { try await stream(scene.bob.downloads, request(scene), to: reader) }
      #expect(await scene.state("active"))
      task.cancel()
      _ = await task.result
      #expect(await eventually { scene.rows.isEmpty })
      let job = try #require(reader.job)
      let failure = await #expect(throws: WireFailure.self) {
        try await scene.bob.downloads.pause(.job(job), waiter: 1)
      }
      #expect(failure?.code == .notFound)
    }
  }

  @Test func `two readers share one download`() async throws {
    try await DownloadScene.with(.hold(pieces: 1)) { scene in
      let (first, second) = (Reader(limit: 100), Reader())
      async let one = stream(scene.bob.downloads, request(scene), to: first)
      #expect(await eventually { first.bytes.count == 262_144 })
      async let two = stream(scene.bob.downloads, request(scene), to: second)
      #expect(await eventually { second.bytes.count == 262_144 })
      scene.fetch.become(.copy)
      _ = try? await one
      _ = try await two
      #expect(second.bytes == scene.bytes && first.job == second.job)
      #expect(scene.fetch.calls == 1)
    }
  }

  @Test func `next process waits for a reader, which goes on where it was`() async throws {
    try await DownloadScene.with(.hold(pieces: 2)) { scene in
      let reader = Reader()
      let lost = Task { try await stream(scene.bob.downloads, request(scene), to: reader) }
      #expect(await eventually { reader.bytes.count == 2 * 262_144 })
      let job = try #require(reader.job)
      await scene.bob.downloads.stop()
      #expect((await lost.result).failure?.code == .unavailable)
      let fetch = try ScriptedFetch(.copy, scene.swarm.directory.file("source"), scene.alice.catalogue)
      let downloads = scene.swarm.downloads(of: scene.bob, fetch: fetch.fetch)
      await downloads.start()
      #expect(await scene.state("paused"))
      #expect(fetch.calls == 0)
      let rest = Reader()
      let had = reader.bytes.count
      _ = try await stream(downloads, request(scene, rejoins: job, offset: had), to: rest)
      #expect(reader.bytes + rest.bytes == scene.bytes)
      #expect(fetch.found == [2])
      // There is nothing to go on with any more.
      let failure = await #expect(throws: WireFailure.self) {
        try await stream(downloads, request(scene, rejoins: job, offset: had), to: Reader())
      }
      #expect(failure?.code == .notFound)
    }
  }

  @Test(arguments: [(ScriptedFetch.Behaviour.storage, ErrorCode.cannotCreate), (.noSource, .noSource)])
  func `reader is told why the rest does not come, and the download waits`(
    _ behaviour: ScriptedFetch.Behaviour, _ code: ErrorCode
  ) async throws {
    try await DownloadScene.with(.hold(pieces: 2)) { scene in
      let reader = Reader()
      let task = Task { try await stream(scene.bob.downloads, request(scene), to: reader) }
      #expect(await eventually { reader.bytes.count == 2 * 262_144 })
      scene.fetch.become(behaviour)
      let failure = (await task.result).failure
      #expect(failure?.code == code && failure?.job == reader.job)
      #expect(await scene.state("waiting"))
      scene.fetch.become(.copy)
      let second = Reader()
      _ = try await stream(scene.bob.downloads, request(scene), to: second)
      #expect(second.bytes == scene.bytes)
      #expect(scene.fetch.found.last == 2)
    }
  }

  @Test func `cancelled stream ends its reader`() async throws {
    try await DownloadScene.with(.hold(pieces: 2)) { scene in
      let reader = Reader()
      let task = Task { try await stream(scene.bob.downloads, request(scene), to: reader) }
      #expect(await eventually { reader.bytes.count == 2 * 262_144 })
      let cancelled = try await scene.bob.downloads.cancel(.all)
      #expect(cancelled == 1)
      #expect((await task.result).failure?.code == .cancelled)
      #expect(await eventually { scene.rows.isEmpty && unfinished(of: scene.bob).isEmpty })
    }
  }

  @Test func `file of the same content does not wait for a stream`() async throws {
    try await DownloadScene.with(.hold(pieces: 1)) { scene in
      let reader = Reader()
      async let streamed = stream(scene.bob.downloads, request(scene), to: reader)
      #expect(await eventually { reader.bytes.count == 262_144 })
      async let saved = scene.bob.downloads.get(scene.request())
      #expect(await eventually { scene.fetch.calls == 2 })
      scene.fetch.become(.copy)
      _ = try await (streamed, saved)
      #expect(reader.bytes == scene.bytes && scene.read() == scene.bytes)
    }
  }
}

extension Result where Failure == any Error {
  fileprivate var failure: WireFailure? {
    if case .failure(let error) = self { error as? WireFailure } else { nil }
  }
}
