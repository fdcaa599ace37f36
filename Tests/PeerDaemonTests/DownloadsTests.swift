// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import NIOCore
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// The jobs of a peer with a scripted fetch: files and catalogue are real, and so is the index.
@Suite struct DownloadsTests {
  private func scene(
    _ behaviour: ScriptedFetch.Behaviour, size: Int = 1_000_000, _ body: (DownloadScene) async throws -> Void
  ) async throws {
    try await DownloadScene.with(behaviour, size: size, body)
  }

  @Test func `second get takes part in the download`() async throws {
    try await scene(.hold(pieces: 1)) { scene in
      async let first = scene.bob.downloads.get(scene.request())
      #expect(await scene.state("active"))
      async let second = scene.bob.downloads.get(scene.request())
      scene.fetch.become(.copy)
      let downloads = try await [first, second]
      #expect(downloads.map(\.path) == [scene.target(), scene.target()])
      #expect(downloads[0].job == downloads[1].job)
      #expect(scene.fetch.calls == 1)
      #expect(scene.read() == scene.bytes)
      #expect(scene.rows.isEmpty)
    }
  }

  @Test(arguments: [true, false]) func `one content to two targets is fetched once`(isShared: Bool) async throws {
    try await scene(.hold(pieces: 1)) { scene in
      async let first = scene.bob.downloads.get(scene.request("a", isShared: isShared))
      #expect(await scene.state("active"))
      async let second = scene.bob.downloads.get(scene.request("b", isShared: isShared))
      #expect(await eventually { scene.rows.map(\.state) == ["active", "queued"] })
      scene.fetch.become(.copy)
      _ = try await first
      #expect(try await second.received == 0)
      #expect(scene.fetch.calls == 1)
      #expect(scene.read("a") == scene.bytes && scene.read("b") == scene.bytes)
    }
  }

  @Test func `sources of a download under way are kept for the next process`() async throws {
    try await scene(.hold(pieces: 2)) { scene in
      let downloads = scene.swarm.downloads(of: scene.bob, fetch: scene.fetch.fetch, syncInterval: .zero)
      await downloads.start()
      async let ended = downloads.get(scene.request())
      let isKept = try await eventually {
        try scene.bob.catalogue.downloads(in: [.active, .queued]).first?.sources.first?.bytes ?? 0 > 0
      }
      #expect(isKept)
      scene.fetch.become(.copy)
      _ = try await ended
      let rows = try await downloads.ended()
      #expect(rows.first?.state == .done && rows.first?.sources.map(\.name) == ["alice"])
    }
  }

  @Test func `another source replaces the first`() async throws {
    try await scene(.hold(pieces: 1)) { scene in
      async let first = scene.bob.downloads.get(scene.request())
      #expect(await eventually { scene.fetch.calls == 1 })
      var request = scene.request()
      request.from = "alice"
      async let second = scene.bob.downloads.get(request)
      #expect(await eventually { scene.fetch.calls == 2 })
      scene.fetch.become(.copy)
      _ = try await (first, second)
      #expect(scene.fetch.from == [nil, scene.alice.id])
      #expect(scene.fetch.mostRunning == 1)
    }
  }

  @Test(arguments: [1_000_000, 5_000]) func `closed connection does not stop a download`(_ size: Int) async throws {
    try await scene(.hold(pieces: 0), size: size) { scene in
      let waiter = Task { try await scene.bob.downloads.get(scene.request()) }
      #expect(await scene.state("active"))
      waiter.cancel()
      let failure = await #expect(throws: WireFailure.self) { try await waiter.value }
      #expect(failure?.code == .cancelled)
      scene.fetch.become(.copy)
      #expect(await eventually { scene.read() == scene.bytes })
    }
  }

  @Test(arguments: [1_000_000, 5_000]) func `interrupted get pauses, and the same get goes on`(_ size: Int) async throws
  {
    try await scene(.hold(pieces: 2), size: size) { scene in
      let began = Mutex<DownloadJob?>(nil)
      let first = Task {
        try await scene.bob.downloads.get(scene.request(), began: { job in began.withLock { $0 = job } })
      }
      #expect(await scene.state("active"))
      #expect(await eventually { scene.rows.first?.received ?? 0 > 0 || size < 10_000 })
      let job = try #require(began.withLock { $0 })
      #expect(try await scene.bob.downloads.pause(.job(job.job), waiter: job.waiter) == 1)
      let failure = await #expect(throws: WireFailure.self) { try await first.value }
      #expect(failure?.code == .cancelled && failure?.job == job.job)
      #expect(await scene.state("paused"))
      #expect(try scene.bob.catalogue.downloads(in: [.paused]).map(\.id) == [job.job])
      scene.fetch.become(.copy)
      let download = try await scene.bob.downloads.get(scene.request())
      #expect(download.job == job.job)
      #expect(scene.read() == scene.bytes)
      if size > 10_000 { #expect(scene.fetch.found == [0, 2]) }
    }
  }

  @Test func `detached download is not paused by Ctrl-C`() async throws {
    try await scene(.hold(pieces: 1)) { scene in
      let (download, state) = try await scene.bob.downloads.detach(scene.request())
      #expect(["active", "queued"].contains(state))
      let began = Mutex<DownloadJob?>(nil)
      async let second = scene.bob.downloads.get(scene.request(), began: { job in began.withLock { $0 = job } })
      #expect(await eventually { began.withLock { $0 != nil } })
      let job = try #require(began.withLock { $0 })
      #expect(job.job == download.job)
      #expect(try await scene.bob.downloads.pause(.job(job.job), waiter: job.waiter) == 0)
      _ = try? await second
      scene.fetch.become(.copy)
      #expect(await eventually { scene.read() == scene.bytes })
    }
  }

  @Test(arguments: [1_000_000, 5_000]) func `cancelled download leaves nothing`(_ size: Int) async throws {
    try await scene(.hold(pieces: 1), size: size) { scene in
      let first = Task { try await scene.bob.downloads.get(scene.request()) }
      #expect(await scene.state("active"))
      let cancelled = try await scene.bob.downloads.cancel(.key(scene.document.key))
      #expect(cancelled == 1)
      let failure = await #expect(throws: WireFailure.self) { try await first.value }
      #expect(failure?.code == .cancelled)
      #expect(scene.read() == nil && scene.hidden().isEmpty)
      let ended = try await scene.bob.downloads.ended().map(\.state)
      #expect(ended == [.cancelled])
      #expect(scene.rows.isEmpty)
      let gone = await #expect(throws: WireFailure.self) { try await scene.bob.downloads.cancel(.job(1)) }
      #expect(gone?.code == .notFound)
      let others = try await scene.bob.downloads.cancel(.all)
      #expect(others == 0)
    }
  }

  @Test func `cancel while nothing can be recorded is recorded as soon as that is possible`() async throws {
    try await scene(.hold(pieces: 1)) { scene in
      let (downloads, catalogue) = (scene.bob.downloads, scene.bob.catalogue)
      let job = try #require(try await downloads.detach(scene.request()).download.job)
      #expect(await scene.state("active"))
      let elsewhere = catalogue.path + ".elsewhere"
      #expect(rename(catalogue.path, elsewhere) == 0)
      let cancelled = try await downloads.cancel(.job(job))
      #expect(cancelled == 1)
      #expect(rename(elsewhere, catalogue.path) == 0)
      let ended = try await downloads.ended().map(\.state)
      #expect(ended == [.cancelled])
      #expect(try catalogue.downloads(in: [.queued, .active, .waiting, .paused]).isEmpty)
      #expect(scene.hidden().isEmpty)
    }
  }

  @Test func `paused download waits for resume with its get`() async throws {
    try await scene(.hold(pieces: 1)) { scene in
      async let first = scene.bob.downloads.get(scene.request())
      #expect(await scene.state("active"))
      #expect(try await scene.bob.downloads.pause(.all) == 1)
      #expect(await scene.state("paused"))
      scene.fetch.become(.copy)
      #expect(try await scene.bob.downloads.resume(.all) == 1)
      _ = try await first
      #expect(scene.read() == scene.bytes)
    }
  }

  @Test(arguments: [1_000_000, 5_000]) func `download without sources waits for one`(_ size: Int) async throws {
    try await scene(.noSource, size: size) { scene in
      let failure = await #expect(throws: WireFailure.self) { try await scene.bob.downloads.get(scene.request()) }
      #expect(failure?.code == .noSource)
      // In between it looks for a source again.
      #expect(
        await eventually {
          let record = try? scene.bob.catalogue.downloads(in: [.waiting]).first
          return record?.id == failure?.job && record?.error == failure?.message
        })
      #expect(await eventually { scene.rows.first?.error == failure?.message })
      scene.fetch.become(.copy)
      // alice is still there: the next look finds her.
      #expect(await eventually { scene.read() == scene.bytes })
      #expect(await eventually { (try? await scene.bob.downloads.ended().map(\.state)) == [.done] })
    }
  }

  @Test func `same get of a key that is gone takes part in the waiting download`() async throws {
    try await scene(.noSource) { scene in
      _ = try? await scene.bob.downloads.get(scene.request())
      _ = await scene.alice.link.withdraw([scene.document.id], in: .open)
      let failure = await #expect(throws: WireFailure.self) { try await scene.bob.downloads.get(scene.request()) }
      #expect(failure?.code == .noSource)
      let other = await #expect(throws: WireFailure.self) { try await scene.bob.downloads.get(scene.request("other")) }
      #expect(other?.code == .notFound && other?.job == nil)
    }
  }

  @Test func `disk that is full is reported at once, and the download waits`() async throws {
    try await scene(.storage) { scene in
      var request = scene.request()
      request.isPatient = true
      let failure = await #expect(throws: WireFailure.self) { try await scene.bob.downloads.get(request) }
      #expect(failure?.code == .cannotCreate)
      #expect(await scene.state("waiting"))
      scene.fetch.become(.copy)
      _ = try await scene.bob.downloads.get(scene.request())
      #expect(scene.read() == scene.bytes)
    }
  }

  @Test func `download fails if all sources send wrong bytes`() async throws {
    try await scene(.wrongBytes) { scene in
      let failure = await #expect(throws: WireFailure.self) { try await scene.bob.downloads.get(scene.request()) }
      #expect(failure?.code == .verificationFailed)
      #expect(scene.rows.isEmpty && scene.hidden().isEmpty)
      let ended = try await scene.bob.downloads.ended()
      #expect(ended.map(\.state) == [.failed] && ended.first?.error == failure?.message)
      #expect(ended.first?.sources.map(\.error) == ["sent wrong bytes: block 0"])
    }
  }

  @Test func `patient get waits for a key that nobody has`() async throws {
    try await scene(.copy) { scene in
      _ = await scene.alice.link.withdraw([scene.document.id], in: .open)
      var request = scene.request()
      request.isPatient = true
      let states = Mutex<[String]>([])
      async let download = scene.bob.downloads.get(
        request, preparing: { progress in states.withLock { $0.append(progress.activity ?? progress.state) } })
      #expect(await eventually { states.withLock { $0 } == ["waiting"] })
      _ = await scene.alice.link.announce([scene.document], in: .open)
      let received = try await download.received
      #expect(received > 0)
      #expect(states.withLock { $0.last } == "checking")
      #expect(scene.read() == scene.bytes)
    }
  }

  @Test func `download goes on after a restart`() async throws {
    try await scene(.hold(pieces: 2)) { scene in
      _ = try await scene.bob.downloads.detach(scene.request())
      #expect(await eventually { scene.rows.first?.received ?? 0 > 0 })
      await scene.bob.downloads.stop()
      #expect(scene.read() == nil && !scene.hidden().isEmpty)
      scene.fetch.become(.copy)
      let next = scene.swarm.downloads(of: scene.bob, fetch: scene.fetch.fetch)
      await next.start()
      #expect(await eventually { scene.read() == scene.bytes })
      #expect(scene.fetch.found == [0, 2])
      #expect(await eventually { scene.hidden().isEmpty })
      #expect(await eventually { (try? await next.ended().map(\.state)) == [.done] })
      // What the first process got counts. The row says that it is done a little earlier.
      let isCounted = await eventually {
        let sources = (try? await next.ended())?.first?.sources ?? []
        return sources.map(\.name) == ["alice"] && sources.first?.bytes ?? 0 >= Int64(scene.bytes.count)
      }
      #expect(isCounted)
      await next.stop()
    }
  }

  /// Between naming the file and recording it.
  @Test func `file that a killed process has named is shared by the next one`() async throws {
    try await DownloadScene.with(.hold(pieces: 2)) { scene in
      _ = try await scene.bob.downloads.detach(scene.request())
      #expect(await eventually { scene.fetch.running == 1 })
      await scene.bob.downloads.stop()
      try scene.swarm.directory.write("target", scene.bytes)
      let next = scene.swarm.downloads(of: scene.bob, fetch: scene.fetch.fetch)
      await next.start()
      #expect(await eventually { (try? await next.ended().map(\.state)) == [.done] })
      #expect(try scene.bob.catalogue.shares(of: scene.document.content).map(\.state) == [.shared])
      #expect(scene.fetch.calls == 1)
      await next.stop()
    }
  }

  @Test func `paused download shows its pieces and sources after a restart`() async throws {
    try await scene(.hold(pieces: 2)) { scene in
      _ = try await scene.bob.downloads.detach(scene.request())
      #expect(await eventually { scene.rows.first?.received ?? 0 > 0 })
      _ = try await scene.bob.downloads.pause(.all)
      let before = try #require(scene.rows.first)
      #expect(before.have == 2 && before.sources.map(\.name) == ["alice"])
      await scene.bob.downloads.stop()
      let next = scene.swarm.downloads(of: scene.bob, fetch: scene.fetch.fetch)
      await next.start()
      #expect(await eventually { scene.rows.first?.have == 2 })
      #expect(scene.bob.transfers.snapshot(limit: nil, maps: true).rows.first?.map?.ranges == [0..<2])
      #expect(scene.rows.first?.sources.map(\.bytes) == before.sources.map(\.bytes))
      await next.stop()
    }
  }

  @Test func `paused download stays paused after a restart, and numbers go on`() async throws {
    try await scene(.hold(pieces: 1)) { scene in
      let (first, _) = try await scene.bob.downloads.detach(scene.request())
      _ = try await scene.bob.downloads.pause(.all)
      await scene.bob.downloads.stop()
      let next = scene.swarm.downloads(of: scene.bob, fetch: scene.fetch.fetch)
      await next.start()
      #expect(await scene.state("paused"))
      let (second, _) = try await next.detach(scene.request("other"))
      let (earlier, later) = (try #require(first.job), try #require(second.job))
      #expect(later > earlier)
      #expect(try await next.cancel(.all) == 2)
      #expect(scene.hidden().isEmpty)
      await next.stop()
    }
  }

  @Test func `get that asks again after a lost connection leaves a paused download paused`() async throws {
    try await scene(.hold(pieces: 2)) { scene in
      let job = Mutex<DownloadJob?>(nil)
      async let first = try? scene.bob.downloads.get(scene.request(), began: { event in job.withLock { $0 = event } })
      #expect(await eventually { scene.rows.first?.received ?? 0 > 0 })
      _ = try await scene.bob.downloads.pause(.all)
      await scene.bob.downloads.stop()
      #expect(await first == nil)
      let number = try #require(job.withLock { $0?.job })
      let next = scene.swarm.downloads(of: scene.bob, fetch: scene.fetch.fetch)
      await next.start()
      let again = scene.request(rejoins: number)
      async let second = next.get(again) { event in job.withLock { $0 = event } }
      #expect(await eventually { job.withLock { $0?.waiter } == 1 && scene.rows.first?.state == "paused" })
      scene.fetch.become(.copy)
      _ = try await next.resume(.job(number))
      let download = try await second
      #expect(download.job == number)
      // What was moved before the restart counts.
      #expect(download.received >= Int64(scene.bytes.count))
      await next.stop()
    }
  }

  @Test func `only so many downloads fetch at a time`() async throws {
    try await scene(.hold(pieces: 0)) { scene in
      for number in 0..<(TransferLimits.defaultDownloads + 4) {
        let path = try scene.swarm.directory.write("source\(number)", pattern(600_000, seed: UInt64(number + 2)))
        let document = try await scene.alice.share(path, as: "file/\(number)")
        let request = DownloadRequest(key: document.key, destination: .path(scene.target("t\(number)")))
        _ = try await scene.bob.downloads.detach(request)
      }
      #expect(await eventually { scene.fetch.calls == TransferLimits.defaultDownloads })
      #expect(scene.rows.count { $0.state == "queued" } == 4)
      _ = try await scene.bob.downloads.cancel(.job(1))
      #expect(await eventually { scene.fetch.calls == TransferLimits.defaultDownloads + 1 })
      #expect(scene.fetch.mostRunning <= TransferLimits.defaultDownloads)
      await scene.bob.downloads.limit(active: 6)
      #expect(await eventually { scene.fetch.running == 6 })
      _ = try await scene.bob.downloads.cancel(.all)
    }
  }
}
