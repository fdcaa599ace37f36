// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

@Suite struct DownloadQueueTests {
  private func all(_ queue: inout DownloadQueue, isSmall: Bool = false) -> [Int64] {
    var order = [Int64]()
    while let next = queue.next(isSmall: isSmall) { order.append(next) }
    return order
  }

  @Test func `priority comes first, then the number`() {
    var queue = DownloadQueue()
    let entries: [(Int64, DownloadPriority)] = [
      (5, .normal), (1, .low), (9, .high), (2, .normal), (7, .high), (3, .low),
    ]
    for (id, priority) in entries { queue.insert(id, priority, isSmall: false) }
    #expect(all(&queue) == [7, 9, 2, 5, 1, 3] && queue.count == 0)
  }

  @Test func `small downloads pass large ones`() {
    var queue = DownloadQueue()
    queue.insert(1, .high, isSmall: false)
    queue.insert(2, .low, isSmall: true)
    #expect(queue.next(isSmall: true) == 2 && queue.next(isSmall: true) == nil)
    #expect(queue.next(isSmall: false) == 1)
  }

  @Test func `download that is added again has one place, by its new priority`() {
    var queue = DownloadQueue()
    for id: Int64 in 1...3 { queue.insert(id, .normal, isSmall: false) }
    queue.insert(3, .high, isSmall: false)
    queue.insert(1, .normal, isSmall: false)
    queue.insert(2, .normal, isSmall: true)
    #expect(queue.count == 3 && all(&queue) == [3, 1] && all(&queue, isSmall: true) == [2])
  }

  @Test(arguments: 1...3) func `order is that of a sorted list, whatever comes and goes`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var queue = DownloadQueue()
    var known: [Int64: DownloadPriority] = [:]
    for _ in 0..<5_000 {
      let id = Int64.random(in: 0..<300, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: (known[id], _) = (nil, queue.remove(id))
      case 1:
        let first = known.min { ($0.value, $0.key) < ($1.value, $1.key) }?.key
        #expect(queue.next(isSmall: false) == first)
        if let first { known[first] = nil }
      default:
        let priority = DownloadPriority.allCases.randomElement(using: &random) ?? .normal
        known[id] = priority
        queue.insert(id, priority, isSmall: false)
      }
      #expect(queue.count == known.count)
    }
    #expect(all(&queue) == known.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key))
  }
}

/// The order in which downloads begin, and many of them.
@Suite struct QueuedDownloadsTests {
  /// Shares documents of different sizes and asks for them without waiting.
  private func detach(
    _ scene: DownloadScene, _ number: Int, size: Int, _ priority: DownloadPriority? = nil
  ) async throws -> Int64 {
    let path = try scene.swarm.directory.write("source\(number)", pattern(size, seed: UInt64(number + 2)))
    let document = try await scene.alice.share(path, as: "file/\(number)")
    return try await ask(scene, document.key, number, priority)
  }

  private func ask(
    _ scene: DownloadScene, _ key: DocumentKey, _ number: Int, _ priority: DownloadPriority?
  ) async throws -> Int64 {
    var request = DownloadRequest(key: key, destination: .path(scene.target("t\(number)")))
    request.priority = priority
    return try #require(try await scene.bob.downloads.detach(request).download.job)
  }

  @Test func `high priority begins first, and a second get changes it`() async throws {
    try await DownloadScene.with(.hold(pieces: 0)) { scene in
      await scene.bob.downloads.limit(active: 1)
      let priorities: [DownloadPriority?] = [nil, .low, nil, .high, nil]
      var ids = [Int64]()
      for (number, priority) in priorities.enumerated() {
        ids.append(try await detach(scene, number, size: 600_000 + number, priority))
      }
      #expect(await eventually { scene.fetch.calls == 1 })
      #expect(try await ask(scene, try DocumentKey("file/4"), 4, .high) == ids[4])
      #expect(try await ask(scene, try DocumentKey("file/2"), 2, nil) == ids[2])
      #expect(scene.rows.map(\.priority) == [.normal, .low, .normal, .high, .high])
      for number in [0, 3, 4, 2] {
        #expect(await eventually { scene.fetch.sizes.last == Int64(600_000 + number) })
        _ = try await scene.bob.downloads.cancel(.job(ids[number]))
      }
      #expect(await eventually { scene.fetch.sizes.last == 600_001 })
      #expect(scene.fetch.mostRunning == 1)
      #expect(try scene.bob.catalogue.download(ids[1])?.priority == .low)
      #expect(try scene.bob.catalogue.download(ids[4])?.priority == .high)
      _ = try await scene.bob.downloads.cancel(.all)
    }
  }

  @Test func `small document passes large ones`() async throws {
    try await DownloadScene.with(.holdLarge, size: 5_000) { scene in
      await scene.bob.downloads.limit(active: 1)
      for number in 0..<3 { _ = try await detach(scene, number, size: 600_000 + number) }
      _ = try await scene.bob.downloads.get(scene.request())
      #expect(scene.read() == scene.bytes)
      #expect(scene.rows.map(\.state).sorted() == ["active", "queued", "queued"])
      _ = try await scene.bob.downloads.cancel(.all)
    }
  }

  @Test func `followers begin when the download that they wait for is paused`() async throws {
    try await DownloadScene.with(.hold(pieces: 0)) { scene in
      let first = try #require(try await scene.bob.downloads.detach(scene.request("a")).download.job)
      _ = try await scene.bob.downloads.detach(scene.request("b"))
      #expect(await eventually { scene.rows.map(\.state) == ["active", "queued"] })
      _ = try await scene.bob.downloads.pause(.job(first))
      #expect(await eventually { scene.rows.map(\.state) == ["paused", "active"] })
      _ = try await scene.bob.downloads.cancel(.all)
      #expect(scene.rows.isEmpty)
    }
  }

  private static func digest(_ number: Int) -> Digest {
    Digest(bytes: (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 4))) }) ?? .zero
  }

  /// Delays that `Downloads` asked for; they never end.
  private final class Delays: Sendable {
    private let delays = Mutex<[Duration]>([])
    var all: [Duration] { delays.withLock { $0 } }
    func add(_ delay: Duration) { delays.withLock { $0.append(delay) } }
  }

  @Test func `many downloads without a source do not ask the index at once`() async throws {
    try await DownloadScene.with(.noSource) { scene in
      let count = 300
      try scene.bob.catalogue.record(try records(count, scene))
      let delays = Delays()
      let next = scene.swarm.downloads(of: scene.bob, fetch: scene.fetch.fetch) { delay in
        delays.add(delay)
        try await Task.sleep(for: .seconds(3600))
      }
      await next.start()
      #expect(await eventually { scene.rows.allSatisfy { $0.state == "waiting" } })
      // The first ones wait about a second, the last ones 10 ms for each that waits already.
      #expect(await eventually { delays.all.count == count })
      #expect(try #require(delays.all.max()) >= .milliseconds(10 * (count - 20)))
      await next.indexConnected()
      #expect(await eventually { delays.all.count == 2 * count })
      let again = delays.all.dropFirst(count)
      #expect(again.count { $0 > .milliseconds(640) } >= count - 64)
      _ = try await next.cancel(.all)
      await next.stop()
    }
  }

  private func records(_ count: Int, _ scene: DownloadScene) throws -> [DownloadRecord] {
    try (1...count).map { number in
      var record = DownloadRecord(
        document: Document(
          key: try DocumentKey("file/\(number)"), title: Title(normalizing: "x"),
          content: try #require(Content(root: Self.digest(number), size: number % 10 == 0 ? 5_000 : 600_000)),
          modified: Timestamp(seconds: 0)),
        path: scene.target("t\(number)"), created: Timestamp(seconds: 1))
      record.id = Int64(number)
      return record
    }
  }

  /// Each step takes a fraction of a second; what looks at all downloads for each of them takes minutes.
  @Test func `10,000 queued downloads are ordinary`() async throws {
    try await DownloadScene.with(.hold(pieces: 0)) { scene in
      let count = 10_000
      try scene.bob.catalogue.record(try records(count, scene))
      let clock = ContinuousClock()
      var times: [(String, Duration)] = []
      func measure(_ name: String, _ body: () async throws -> Void) async throws {
        times.append((name, try await clock.measure { try await body() }))
      }
      let next = scene.swarm.downloads(of: scene.bob, fetch: scene.fetch.fetch)
      try await measure("start") { await next.start() }
      #expect(scene.rows.count == count)
      #expect(await eventually { scene.fetch.running >= 4 })
      try await measure("rows") { _ = scene.rows.count }
      try await measure("index") { await next.indexConnected() }
      try await measure("100 single commands") {
        for number in 1...100 { _ = try? await next.resume(.job(Int64(number))) }
      }
      try await measure("pause") { _ = try await next.pause(.all) }
      #expect(scene.rows.allSatisfy { $0.state == "paused" })
      try await measure("resume") { _ = try await next.resume(.all) }
      try await measure("cancel") { _ = try await next.cancel(.all) }
      #expect(scene.rows.isEmpty)
      await next.stop()
      print("10,000 downloads:", times.map { "\($0.0) \($0.1)" }.joined(separator: ", "))
      for (name, time) in times { #expect(time < .seconds(10), "\(name): \(time)") }
    }
  }
}
