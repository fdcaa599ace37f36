// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import PeerDaemon
import Synchronization
import Testing
import WireProtocol

/// A clock that the test moves.
private final class ManualClock: Sendable {
  private let time = Mutex(NIODeadline.uptimeNanoseconds(1_000_000_000))

  var now: NIODeadline { time.withLock { $0 } }
  func advance(_ amount: TimeAmount) { time.withLock { $0 = $0 + amount } }
}

@Suite struct TransferRegistryTests {
  private let clock = ManualClock()
  private let registry: TransferRegistry
  private let content: Content
  private let bob = TransferRegistry.Source(peer: Swarm.id("bob"), name: "bob", host: "192.0.2.1")
  private let carol = TransferRegistry.Source(peer: Swarm.id("carol"), name: "carol", host: "192.0.2.2")

  init() throws {
    registry = TransferRegistry { [clock] in clock.now }
    content = try #require(Content(root: Swarm.id("content").digest, size: 1_000_000))
  }

  private func download(_ number: UInt32 = 1) -> TransferHandle {
    registry.download(DocumentKey(rfc: number), content, to: "/x/\(number)")
  }

  @Test func `snapshot lists running transfers oldest first`() {
    let handles = [1, 2, 3].map(download)
    #expect(registry.snapshot().map(\.path) == ["/x/1", "/x/2", "/x/3"])
    #expect(registry.snapshot().map(\.id) == [1, 2, 3])
    handles[1].end()
    #expect(registry.snapshot().map(\.path) == ["/x/1", "/x/3"])
    withExtendedLifetime(handles) {}
  }

  @Test func `download counts its sources, its pieces and the time left`() throws {
    let handle = download()
    clock.advance(.seconds(1))
    handle.progress(300_000, from: bob)
    handle.progress(100_000, from: carol)
    handle.verified(upTo: 350_000)
    handle.verified(upTo: 10)
    clock.advance(.seconds(1))
    let row = try #require(registry.snapshot().first)
    #expect(row.direction == .download && row.state == "active" && row.key?.text == "rfc/1")
    #expect(row.received == 400_000 && row.rate == 200_000 && row.eta == 3)
    #expect(row.sources.map(\.name) == ["bob", "carol"] && row.sources.map(\.bytes) == [300_000, 100_000])
    #expect(row.sources.map(\.rate) == [300_000, 100_000])
    #expect(row.pieces == 4 && row.have == 1)
    handle.verified(upTo: content.size)
    #expect(registry.snapshot().first?.have == 4)
  }

  @Test func `rate is that of the last seconds`() {
    let handle = download()
    handle.progress(900_000, from: bob)
    clock.advance(.seconds(60))
    #expect(registry.snapshot().first?.rate == 0)
    #expect(registry.snapshot().first?.eta == nil)
    handle.progress(1_000, from: bob)
    clock.advance(.milliseconds(500))
    #expect(registry.snapshot().first?.rate == 222)
  }

  @Test func `time without a slot is none of the rate`() {
    let handle = download()
    handle.show("queued", error: nil)
    clock.advance(.seconds(600))
    handle.show("active", error: nil)
    handle.progress(500_000, from: bob)
    clock.advance(.seconds(1))
    #expect(registry.snapshot().first?.rate == 500_000)
    #expect(registry.snapshot().first?.sources.map(\.rate) == [500_000])
  }

  @Test func `progress counts the sources that deliver, and names the fastest`() throws {
    let handle = download()
    handle.show("active", error: nil)
    clock.advance(.seconds(1))
    #expect(registry.progress(of: handle.id) == DownloadProgress(received: 0, size: content.size))
    handle.progress(200_000, from: carol)
    handle.progress(300_000, from: bob)
    handle.verified(pieces: 1, bytes: 480_000)
    clock.advance(.seconds(1))
    let progress = try #require(registry.progress(of: handle.id))
    #expect(
      progress
        == DownloadProgress(
          received: 480_000, size: content.size, rate: 250_000, eta: 2, sources: 2, peer: "bob"))
    handle.show(.copying)
    #expect(registry.progress(of: handle.id)?.activity == "copying")
    clock.advance(.seconds(9))
    #expect(registry.progress(of: handle.id)?.sources == 0 && registry.progress(of: handle.id)?.peer == nil)
    handle.progress(1_000, from: bob)
    #expect(registry.snapshot().first?.rate != 0)
    handle.show("waiting", error: "nobody")
    #expect(
      registry.snapshot().first?.rate == 0 && registry.snapshot().first?.sources.allSatisfy { $0.rate == 0 } == true)
    let waiting = try #require(registry.progress(of: handle.id))
    #expect(waiting.state == "waiting" && waiting.activity == nil && waiting.error == "nobody")
    handle.end()
    #expect(registry.progress(of: handle.id) == nil)
  }

  @Test func `pieces are shown on request, those of an earlier process until the file is open`() throws {
    let handle = registry.download(
      DocumentKey(rfc: 1), content, to: "/x",
      sources: [.init(peer: bob.peer, name: "bob", host: "h", bytes: 7, error: "lied")])
    var pieces = PieceSet(count: 4)
    pieces.insert(1)
    handle.restored(pieces)
    #expect(registry.snapshot().first?.have == 1 && registry.snapshot().first?.map == nil)
    let source = try #require(registry.snapshot().first?.sources.first)
    #expect(source.name == "bob" && source.bytes == 7 && source.error == "lied" && source.rate == 0)
    pieces.insert(0)
    handle.verified(pieces)
    handle.restored(PieceSet(count: 4))
    handle.completed([3])
    handle.verified(pieces: 3, bytes: 700_000)
    let row = try #require(registry.snapshot(limit: nil, maps: true).rows.first)
    #expect(row.have == 3 && row.map?.ranges == [0..<2, 3..<4])
    handle.progress(1, from: bob)
    #expect(
      handle.sources == [
        .init(peer: bob.peer, name: "bob", host: "h", bytes: 7, error: "lied"),
        .init(peer: bob.peer, name: "bob", host: "192.0.2.1", bytes: 1),
      ])
  }

  @Test func `stream has a map without a file`() throws {
    let handle = download()
    handle.completed([0])
    handle.completed([2, 9])
    #expect(registry.snapshot(limit: 1, maps: true).rows.first?.map?.ranges == [0..<1, 2..<3])
  }

  @Test func `limited rows are the most interesting ones, and all are counted`() {
    let states = ["queued", "paused", "waiting", "active"]
    let handles = states.enumerated().map { number, state in
      let handle = download(UInt32(number + 1))
      handle.show(state, error: nil)
      return handle
    }
    handles[3].progress(1_000, from: bob)
    let upload = registry.upload(content, to: carol)
    upload.progress(2_000)
    clock.advance(.seconds(1))
    let all = registry.snapshot(limit: 10, maps: false)
    #expect(all.rows.map(\.state) == ["active", "active", "waiting", "paused", "queued"])
    #expect(all.rows.map(\.direction) == [.download, .upload, .download, .download, .download])
    let cut = registry.snapshot(limit: 2, maps: false)
    #expect(cut.rows.count == 2 && cut.counts == all.counts)
    let counts = cut.counts
    #expect([counts.active, counts.waiting, counts.paused, counts.queued, counts.uploads] == [1, 1, 1, 1, 1])
    #expect(counts.down == 1_000 && counts.up == 2_000)
    #expect(registry.movedBytes == (up: 2_000, down: 1_000))
    upload.end()
    #expect(registry.movedBytes == (up: 2_000, down: 1_000))
    withExtendedLifetime(handles) {}
  }

  /// Counts of a queue of an ordinary day.
  @Test func `ten thousand downloads are looked at quickly`() {
    let handles = (1...10_000).map { number in
      let handle = download(UInt32(number))
      handle.show(number > 9_996 ? "active" : "queued", error: nil)
      return handle
    }
    let start = ContinuousClock.now
    let (rows, counts) = registry.snapshot(limit: 48, maps: true)
    // A tenth of a second in a debug build; comparing each with each would take minutes.
    #expect(ContinuousClock.now - start < .seconds(10))
    #expect(rows.count == 48 && rows.prefix(4).allSatisfy { $0.state == "active" } && counts.queued == 9_996)
    withExtendedLifetime(handles) {}
  }

  @Test func `upload ends after a pause, and never exceeds the content`() throws {
    let handle = registry.upload(content, to: bob)
    handle.name(try DocumentKey("file/x"))
    handle.progress(600_000)
    let row = try #require(registry.snapshot().first)
    #expect(row.key?.text == "file/x" && row.sources.first?.bytes == 600_000 && row.pieces == nil)
    #expect(handle.continues(with: 400_000) && !handle.continues(with: 400_001))
    clock.advance(.seconds(5))
    #expect(registry.snapshot().isEmpty && !handle.continues(with: 1))
    let slow = registry.upload(content, to: bob)
    slow.sending(true)
    clock.advance(.seconds(60))
    #expect(registry.snapshot().map(\.id) == [slow.id] && slow.continues(with: 1))
    slow.sending(false)
    clock.advance(.seconds(5))
    #expect(registry.snapshot().isEmpty)
    let other = download()
    clock.advance(.seconds(100))
    #expect(registry.snapshot().map(\.direction) == [.download])
    withExtendedLifetime(other) {}
  }

  @Test func `overflowing progress does not trap`() throws {
    let handle = download()
    for _ in 0..<3 { handle.progress(.max, from: bob) }
    handle.progress(.min, from: carol)
    let row = try #require(registry.snapshot().first)
    #expect(row.received >= 0 && row.received <= Content.maximumSize && row.rate >= 0)
  }

  @Test func `sources are bounded`() throws {
    let handle = download()
    for number in 0..<200 {
      handle.progress(1, from: .init(peer: Swarm.id("\(number)"), name: "p\(number)", host: ""))
    }
    let row = try #require(registry.snapshot().first)
    #expect(row.sources.count == 64 && row.received == 200)
  }

  @Test func `released handle ends its transfer`() {
    var handle: TransferHandle? = download()
    #expect(registry.snapshot().count == 1)
    withExtendedLifetime(handle) {}
    handle = nil
    #expect(registry.snapshot().isEmpty)
  }

  @Test func `ended transfer ignores late progress`() {
    let handle = download()
    handle.end()
    handle.progress(1, from: bob)
    handle.verified(upTo: 1)
    #expect(registry.snapshot().isEmpty)
  }
}

@Suite struct RateMeterTests {
  @Test(arguments: [(100, 4_000), (1_000, 1_000), (2_500, 400), (4_900, 204), (5_100, 0), (60_000, 0)])
  func `one burst is forgotten within five seconds`(milliseconds: Int64, rate: Int64) {
    let start = NIODeadline.uptimeNanoseconds(7)
    var meter = RateMeter(start: start)
    meter.add(1_000, at: start)
    #expect(meter.rate(at: start + .milliseconds(milliseconds)) == rate)
  }

  @Test func `steady flow has its rate`() {
    let start = NIODeadline.uptimeNanoseconds(7)
    var meter = RateMeter(start: start)
    for step in 1...100 { meter.add(100, at: start + .milliseconds(Int64(step) * 100)) }
    #expect(abs(meter.rate(at: start + .seconds(10)) - 1_000) < 100)
  }

  @Test func `clock that goes back does not trap`() {
    var meter = RateMeter(start: .uptimeNanoseconds(10_000_000_000))
    meter.add(5, at: .uptimeNanoseconds(1))
    #expect(meter.rate(at: .uptimeNanoseconds(1)) == 20)
  }
}
