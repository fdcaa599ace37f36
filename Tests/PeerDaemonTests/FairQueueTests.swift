// SPDX-License-Identifier: Apache-2.0

import Dispatch
import NIOCore
import NIOPosix
import PeerDaemon
import Synchronization
import TestSupport
import Testing

/// Counts the work of others that a client waits for, not time.
@Suite struct FairQueueTests {
  private final class Client {}

  private static let kilobyte: Int64 = 1024

  /// Hands out jobs one at a time. The others always have a job waiting; the last client begins when they are well under
  /// way, and asks for its next job when it has the one before.
  /// - Returns: the cost of what the others got from its first job to its last.
  private func workOfOthers(_ count: Int, each cost: Int64, during jobs: [Int64]) -> Int64 {
    let others = (0..<count).map { _ in Client() }
    let late = Client()
    var queue = FairQueue<Int>()
    for index in others.indices { queue.add(index, of: ObjectIdentifier(others[index]), cost: cost) }
    var (handedOut, left) = (0, jobs[...])
    var work: Int64 = 0
    while let job = queue.next() {
      handedOut += 1
      if job == count {
        guard let next = left.popFirst() else { break }
        queue.add(count, of: ObjectIdentifier(late), cost: next)
      } else {
        if handedOut > 10 * count { work += cost }
        queue.add(job, of: ObjectIdentifier(others[job]), cost: cost)
      }
      if handedOut == 10 * count, let first = left.popFirst() {
        queue.add(count, of: ObjectIdentifier(late), cost: first)
      }
    }
    return work
  }

  /// A download of 2 MB: `have`, `hashes`, two parts of a body.
  private let download = [64, 576, 1088, 1024].map { $0 * kilobyte }

  @Test(arguments: [64, 512, 2176, 4096] as [Int64])
  func `each of 30 busy connections costs a new one no more than its own work and a job`(cost: Int64) {
    let own = download.dropLast().reduce(0, +)
    let work = workOfOthers(30, each: cost * Self.kilobyte, during: download)
    let most = 30 * (own + Int64(download.count) * cost * Self.kilobyte)
    #expect(work <= most)
    #expect(work >= 30 * (own - cost * Self.kilobyte), "the others are not starved")
  }

  @Test func `first request of a new connection waits for one job of each other at most`() {
    #expect(workOfOthers(30, each: 100, during: [1]) <= 30 * 100)
  }

  @Test func `idle client has saved no turns`() {
    let (idle, busy) = (Client(), Client())
    var queue = FairQueue<String>()
    for _ in 0..<100 {
      queue.add("busy", of: ObjectIdentifier(busy), cost: 10)
      #expect(queue.next() == "busy")
    }
    for _ in 0..<3 {
      queue.add("idle", of: ObjectIdentifier(idle), cost: 10)
      queue.add("busy", of: ObjectIdentifier(busy), cost: 10)
    }
    var order = [String]()
    while let job = queue.next() { order.append(job) }
    #expect(order.prefix(2).sorted() == ["busy", "idle"])
    #expect(order.prefix(4).filter { $0 == "idle" }.count == 2)
  }

  @Test(arguments: 1...5) func `every job is handed out once, in the order of its client`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let clients = (0..<7).map { _ in Client() }
    var queue = FairQueue<(client: Int, number: Int)>()
    var (added, taken) = ([Int](repeating: 0, count: 7), [Int](repeating: 0, count: 7))
    for _ in 0..<2000 {
      if Bool.random(using: &random) {
        let client = Int.random(in: 0..<7, using: &random)
        queue.add(
          (client, added[client]), of: ObjectIdentifier(clients[client]), cost: .random(in: 0...1000, using: &random))
        added[client] += 1
      } else if let job = queue.next() {
        #expect(job.number == taken[job.client])
        taken[job.client] += 1
      }
    }
    while let job = queue.next() { taken[job.client] += 1 }
    #expect(taken == added && queue.count == 0)
  }

  @Test func `no cost overflows`() {
    let client = Client()
    var queue = FairQueue<Int>()
    for number in 0..<3 { queue.add(number, of: ObjectIdentifier(client), cost: .max) }
    #expect((0..<3).map { _ in queue.next() } == [0, 1, 2])
  }
}

@Suite struct UploadTurnsTests {
  @Test func `uploads leave threads to others`() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let pool = NIOThreadPool(numberOfThreads: 4)
    pool.start()
    let turns = UploadTurns(pool: pool, threads: 4)
    let running = Mutex((now: 0, most: 0))
    let client = ObjectIdentifier(pool)
    let loop = group.next()
    let futures = (0..<200).map { number in
      turns.run(for: client, cost: 1, on: loop) { () -> Int in
        running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
        workBriefly()
        running.withLock { $0.now -= 1 }
        return number
      }
    }
    let results = try await EventLoopFuture.whenAllSucceed(futures, on: loop).get()
    #expect(results == Array(0..<200))
    #expect(running.withLock { $0.most } <= 2)
    try await pool.shutdownGracefully()
    await #expect(throws: CancellationError.self) {
      _ = try await turns.run(for: client, cost: 1, on: loop) { 1 }.get()
    }
    try await group.shutdownGracefully()
  }

  /// Long enough for other threads to begin.
  private func workBriefly() {
    for _ in 0..<1000 { _ = DispatchTime.now() }
  }
}

@Suite struct UploadSlotsTests {
  private final class Grants: Sendable {
    private let numbers = Mutex<[Int]>([])
    var all: [Int] { numbers.withLock { $0 } }
    func add(_ number: Int) { numbers.withLock { $0.append(number) } }
  }

  @Test func `slots are granted in order of arrival`() {
    let slots = UploadSlots(limit: 2)
    let grants = Grants()
    let tickets = (0..<5).map { number in slots.enter { grants.add(number) } }
    #expect(tickets.map { $0 == nil } == [true, true, false, false, false])
    for _ in 0..<2 { slots.leave() }
    #expect(grants.all == [2, 3])
    for _ in 0..<3 { slots.leave() }
    #expect(grants.all == [2, 3, 4])
    #expect(slots.enter { grants.add(5) } == nil)
    #expect(slots.enter { grants.add(6) } == nil)
    #expect(slots.enter { grants.add(7) } != nil)
  }

  @Test func `who gives up gets no slot`() throws {
    let slots = UploadSlots(limit: 1)
    let grants = Grants()
    #expect(slots.enter {} == nil)
    let first = try #require(slots.enter { grants.add(1) })
    let second = try #require(slots.enter { grants.add(2) })
    #expect(slots.cancel(first) && !slots.cancel(first))
    slots.leave()
    #expect(grants.all == [2])
    #expect(!slots.cancel(second), "granted before")
    slots.leave()
    #expect(slots.enter {} == nil)
  }
}
