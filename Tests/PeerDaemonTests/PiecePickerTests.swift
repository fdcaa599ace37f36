// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import PeerDaemon
import TestSupport
import Testing

/// Which part of a content is requested from which source.
struct PiecePickerTests {
  private static let piece = PieceGeometry.smallestPiece

  private func picker(
    pieces count: Int, have: PieceSet? = nil, isInOrder: Bool = false, start: Double = 0
  ) -> PiecePicker {
    PiecePicker(
      size: Int64(count) * Self.piece, pieces: have ?? PieceSet(count: count), isInOrder: isInOrder, start: start)
  }

  private static func set(_ pieces: [Int], of count: Int) -> PieceSet {
    var set = PieceSet(count: count)
    for piece in pieces { set.insert(piece) }
    return set
  }

  /// The blocks of pieces of 256 KiB.
  private static func blocks(_ pieces: Range<Int>) -> PiecePicker.Run {
    Int64(pieces.lowerBound) * 16..<Int64(pieces.upperBound) * 16
  }

  // MARK: One source

  @Test func `single source is asked for all, from the start on, and a block once`() {
    var picker = picker(pieces: 100)
    picker.add(1, .complete, at: 0)
    var next: Int64 = 0
    var now = 0.0
    while let run = picker.next(for: 1, at: now) {
      #expect(run.lowerBound == next)
      next = run.upperBound
      now += 0.001
      _ = picker.wrote(run, from: 1, at: now)
    }
    #expect(next == 1600)
    #expect(picker.isComplete)
    #expect(picker.written == 100 * Self.piece)
  }

  @Test func `more is requested from a fast source, and never across a group of 512 blocks`() {
    var picker = picker(pieces: 400)
    picker.add(1, .complete, at: 0)
    var lengths = [Int]()
    for step in 1...40 {
      guard let run = picker.next(for: 1, at: Double(step) * 0.001) else { break }
      #expect(run.lowerBound / 512 == (run.upperBound - 1) / 512)
      lengths.append(run.count)
      _ = picker.wrote(run, from: 1, at: Double(step) * 0.001 + 0.0005)
    }
    #expect(lengths.first == 16)
    #expect(lengths.max() == 512)
  }

  @Test func `source is not asked for more than it delivers in a short time`() {
    var picker = picker(pieces: 100)
    picker.add(1, .complete, at: 0)
    var requested = 0
    while let run = picker.next(for: 1, at: 0) { requested += run.count }
    #expect(requested == 16, "nothing is known of its rate")
  }

  @Test func `what was written before is not asked for`() {
    var picker = picker(pieces: 4, have: Self.set([0, 2], of: 4))
    picker.add(1, .complete, at: 0)
    var asked = [PiecePicker.Run]()
    var now = 0.0
    while let run = picker.next(for: 1, at: now) {
      asked.append(run)
      now += 0.001
      _ = picker.wrote(run, from: 1, at: now)
    }
    #expect(asked == [Self.blocks(1..<2), Self.blocks(3..<4)])
  }

  @Test func `damaged piece is asked for again`() {
    var picker = picker(pieces: 2, have: PieceSet(full: 2))
    picker.add(1, .complete, at: 0)
    #expect(picker.isComplete)
    picker.lost(1)
    #expect(!picker.isComplete)
    #expect(picker.next(for: 1, at: 0) == Self.blocks(1..<2))
    #expect(picker.wrote(Self.blocks(1..<2), from: 1, at: 1) == [1])
    #expect(picker.isComplete)
  }

  @Test func `last piece may be short`() {
    let size = 3 * Self.piece + 20_000
    var picker = PiecePicker(size: size, pieces: PieceSet(count: 4))
    picker.add(1, .complete, at: 0)
    var now = 0.0
    while let run = picker.next(for: 1, at: now) {
      now += 0.001
      _ = picker.wrote(run, from: 1, at: now)
    }
    #expect(picker.isComplete)
    #expect(picker.written == size)
    #expect(picker.prefix == size)
  }

  @Test func `large piece is fetched in parts of 8 MiB, and whole when all parts are`() {
    // 64 GiB: pieces of 16 MiB.
    var picker = PiecePicker(size: 64 << 30, pieces: PieceSet(count: 4096))
    picker.add(1, .complete, at: 0)
    #expect(picker.next(for: 1, at: 0) == 0..<512)
    #expect(picker.wrote(0..<512, from: 1, at: 0.1) == [])
    #expect(picker.next(for: 1, at: 0.1) == 512..<1024)
    #expect(picker.wrote(512..<1024, from: 1, at: 0.2) == [0])
  }

  // MARK: Several sources

  @Test func `rarest piece is asked for first`() {
    var picker = picker(pieces: 4)
    picker.add(1, .pieces(Self.set([0, 1, 2], of: 4)), at: 0)
    picker.add(2, .pieces(Self.set([0, 1], of: 4)), at: 0)
    picker.add(3, .pieces(Self.set([0, 3], of: 4)), at: 0)
    #expect(picker.next(for: 1, at: 0) == Self.blocks(2..<3))
    #expect(picker.next(for: 3, at: 0) == Self.blocks(3..<4))
    #expect(picker.next(for: 2, at: 0) == Self.blocks(1..<2))
  }

  @Test func `partial source is asked only for what it has`() {
    var picker = picker(pieces: 3)
    picker.add(1, .pieces(Self.set([1], of: 3)), at: 0)
    #expect(picker.next(for: 1, at: 0) == Self.blocks(1..<2))
    #expect(picker.wrote(Self.blocks(1..<2), from: 1, at: 0.1) == [1])
    #expect(picker.next(for: 1, at: 0.1) == nil)
    #expect(!picker.isUseful(1))
    picker.gained(1, 2..<3)
    #expect(picker.isUseful(1))
    #expect(picker.next(for: 1, at: 0.1) == Self.blocks(2..<3))
    picker.refused(Self.blocks(2..<3), from: 1, at: 0.2)
    #expect(picker.next(for: 1, at: 0.2) == nil, "it does not have it after all")
  }

  @Test func `complete source is asked first for what nobody else has`() {
    var picker = picker(pieces: 4)
    picker.add(1, .complete, at: 0)
    picker.add(2, .pieces(Self.set([0, 1, 3], of: 4)), at: 0)
    #expect(picker.next(for: 1, at: 0) == Self.blocks(2..<3))
  }

  @Test func `downloads divide among themselves what only complete sources have`() throws {
    let ids = (1...8).compactMap { PeerID(hex: String(repeating: "\($0)f", count: 32)) }
    var owners: [Int: Int] = [:]
    for id in ids {
      var picker = picker(pieces: 800)
      picker.rank(id, among: ids)
      picker.add(1, .complete, at: 0)
      // Its first eighth of the content.
      for step in 0..<80 {
        let next = picker.next(for: 1, at: Double(step))
        let run = try #require(next)
        owners[Int(run.lowerBound / 16), default: 0] += 1
        _ = picker.wrote(run.lowerBound..<run.lowerBound + 16, from: 1, at: Double(step) + 0.5)
        picker.returned(run, from: 1, at: Double(step) + 0.6)
      }
    }
    #expect(owners.values.count { $0 > 1 } < 40)
  }

  @Test func `what a source leaves behind is asked of others`() {
    var picker = picker(pieces: 1)
    picker.add(1, .complete, at: 0)
    picker.add(2, .complete, at: 0)
    #expect(picker.next(for: 1, at: 0) == 0..<16)
    #expect(picker.next(for: 2, at: 0) == nil)
    #expect(picker.wrote(0..<6, from: 1, at: 0.1) == [])
    picker.remove(1)
    #expect(picker.next(for: 2, at: 0.1) == 6..<16)
    #expect(picker.wrote(6..<16, from: 2, at: 0.2) == [0])
  }

  // MARK: The end game

  @Test func `silent source's request is given to another after two seconds`() {
    var picker = picker(pieces: 2)
    picker.add(1, .complete, at: 0)
    picker.add(2, .complete, at: 0)
    #expect(picker.next(for: 1, at: 0) == Self.blocks(0..<1))
    #expect(picker.next(for: 2, at: 0) == Self.blocks(1..<2))
    _ = picker.wrote(Self.blocks(1..<2), from: 2, at: 0.1)
    #expect(picker.next(for: 2, at: 2.5) == Self.blocks(0..<1))
    #expect(picker.wrote(Self.blocks(0..<1), from: 2, at: 2.6) == [0])
    #expect(picker.isComplete)
    picker.dropped(Self.blocks(0..<1), from: 1, at: 3)
    #expect(!picker.isBusy(1))
  }

  @Test func `all pieces that a silent source owes are given to another`() {
    var picker = picker(pieces: 33)
    picker.add(1, .complete, at: 0)
    // It becomes fast, is asked for many pieces at once, and stops in the middle.
    var now = 0.0
    var asked: PiecePicker.Run?
    while asked == nil, let run = picker.next(for: 1, at: now) {
      now += 0.0005
      if run.count > 128 { asked = run } else { _ = picker.wrote(run, from: 1, at: now) }
    }
    let owed = asked ?? 0..<0
    _ = picker.wrote(owed.lowerBound..<owed.lowerBound + 40, from: 1, at: now)
    picker.add(2, .complete, at: now)
    var steps = 0
    while !picker.isComplete, steps < 1_000 {
      steps += 1
      now += 0.05
      while let run = picker.next(for: 2, at: now) { _ = picker.wrote(run, from: 2, at: now + 0.01) }
    }
    #expect(picker.isComplete)
    #expect(now < 4, "two seconds of patience, and the time to fetch")
  }

  @Test func `source that has delivered nothing yet takes over from nine that trickle`() {
    var picker = picker(pieces: 8)
    for id in 1...9 { picker.add(id, .complete, at: 0) }
    for id in 1...9 { _ = picker.next(for: id, at: 0) }
    picker.add(10, .complete, at: 0)
    var (now, steps) = (0.0, 0)
    while !picker.isComplete, steps < 1_000 {
      (now, steps) = (now + 0.1, steps + 1)
      for id in 1...9 { while picker.next(for: id, at: now) != nil {} }
      while let run = picker.next(for: 10, at: now) { _ = picker.wrote(run, from: 10, at: now + 0.01) }
    }
    #expect(picker.isComplete)
    #expect(now < 4)
  }

  @Test func `fast source takes the end of what a slow one has to deliver`() {
    var picker = picker(pieces: 2)
    picker.add(1, .complete, at: 0)
    picker.add(2, .complete, at: 0)
    _ = picker.next(for: 1, at: 0)
    _ = picker.next(for: 2, at: 0)
    _ = picker.wrote(0..<1, from: 1, at: 1)
    _ = picker.wrote(Self.blocks(1..<2), from: 2, at: 1)
    let run = picker.next(for: 2, at: 1)
    #expect(run?.upperBound == 16)
    #expect((run?.lowerBound ?? 0) > 0)
  }

  @Test func `nothing is requested twice while our own limit holds sources back`() {
    var picker = picker(pieces: 2)
    picker.add(1, .complete, at: 0)
    picker.add(2, .complete, at: 0)
    _ = picker.next(for: 1, at: 0)
    _ = picker.next(for: 2, at: 0)
    _ = picker.wrote(0..<1, from: 1, at: 0.1)
    picker.setHeld(true, 1, at: 0.1)
    _ = picker.wrote(Self.blocks(1..<2), from: 2, at: 0.1)
    // Not at the end, and not after the time after which a source is late.
    for now in [0.1, 1, 5, 60] { #expect(picker.next(for: 2, at: now) == nil) }
    picker.setHeld(false, 1, at: 60)
    #expect(picker.next(for: 2, at: 60.5) == nil)
    // From then on it is slow by itself.
    #expect(picker.next(for: 2, at: 62.1) != nil)
  }

  @Test func `reader gets the beginning first, whatever is rare`() {
    var picker = picker(pieces: 40, isInOrder: true, start: 0.7)
    picker.add(1, .complete, at: 0)
    picker.add(2, .pieces(Self.set([0, 1, 2], of: 40)), at: 0)
    #expect(picker.next(for: 1, at: 0) == Self.blocks(0..<1))
    #expect(picker.next(for: 2, at: 0) == Self.blocks(1..<2))
    _ = picker.wrote(Self.blocks(1..<2), from: 2, at: 0.1)
    #expect(picker.prefix == 0)
    _ = picker.wrote(0..<8, from: 1, at: 0.1)
    #expect(picker.prefix == 8 * PieceGeometry.blockLength)
    _ = picker.wrote(8..<16, from: 1, at: 0.1)
    #expect(picker.prefix == 2 * Self.piece)
  }

  // MARK: Properties

  @Test(arguments: 0..<25)
  func `every download ends, no block is lost, and only at the end two sources are asked for one`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let count = Int.random(in: 1...30, using: &random)
    let size = Int64(count - 1) * Self.piece + Int64.random(in: 1...Self.piece, using: &random)
    var picker = PiecePicker(
      size: size, pieces: PieceSet(count: count), start: Double.random(in: 0..<1, using: &random))
    let blocks = PieceGeometry(size: size).blockCount
    var requests: [Int: [PiecePicker.Run]] = [:]
    var pieces = [Int]()
    var now = 0.0
    var nextSource = 1
    picker.add(0, .complete, at: now)
    requests[0] = []
    for _ in 0..<20_000 where !picker.isComplete {
      now += Double.random(in: 0...0.2, using: &random)
      let ids = requests.keys.sorted()
      let id = ids[Int.random(in: 0..<ids.count, using: &random)]
      switch Int.random(in: 0..<10, using: &random) {
      case 0 where nextSource < 12:
        let held = Self.set((0..<count).filter { _ in Bool.random(using: &random) }, of: count)
        picker.add(nextSource, Bool.random(using: &random) ? .complete : .pieces(held), at: now)
        requests[nextSource] = []
        nextSource += 1
      case 1 where id != 0:
        picker.remove(id)
        requests[id] = nil
      case 2 where id != 0:
        if let run = requests[id]?.first {
          picker.refused(run, from: id, at: now)
          requests[id]?.removeFirst()
        }
      case 3: picker.gained(id, 0..<Int.random(in: 0...count, using: &random))
      case 4...6:
        while let run = picker.next(for: id, at: now) {
          #expect(run.lowerBound >= 0 && run.upperBound <= blocks && !run.isEmpty)
          requests[id]?.append(run)
          if requests.values.joined().count(where: { $0.overlaps(run) }) > 1 {
            #expect(requests.values.joined().count { $0.overlaps(run) } <= 8)
          }
        }
      default:
        guard let run = requests[id]?.first else { continue }
        let part = run.lowerBound..<Int64.random(in: run.lowerBound + 1...run.upperBound, using: &random)
        pieces += picker.wrote(part, from: id, at: now)
        if part.upperBound == run.upperBound {
          requests[id]?.removeFirst()
        } else {
          requests[id]?[0] = part.upperBound..<run.upperBound
        }
      }
    }
    #expect(picker.isComplete)
    #expect(pieces.sorted() == Array(0..<count), "each piece is reported once")
    #expect(picker.written == size)
  }

  // MARK: Swarms

  /// 64 MiB over lines of 100 Mbit/s, in units of the time of one copy.
  private static func swarm(
    peers: Int, size: Int64 = 64 << 20, rate: Double = 12.5e6, seed: UInt64, seeds: Int = 1,
    habits: [SimulatedSwarm.Habit] = []
  ) -> (last: Double?, seedCopies: Double, received: Double) {
    var random = SeededGenerator(seed: seed)
    var swarm = SimulatedSwarm(peers: peers, size: size, rate: rate, seeds: seeds, habits: habits, using: &random)
    let result = swarm.run(limit: 600)
    let copy = Double(size) / rate
    return (result.last.map { $0 / copy }, result.seedCopies, result.receivedCopies)
  }

  @Test(arguments: 0..<2)
  func `eight peers are done in a quarter more than the time of one copy`(seed: UInt64) throws {
    let result = Self.swarm(peers: 8, seed: seed)
    #expect(try #require(result.last) < 1.25)
    #expect(result.seedCopies < 1.3)
    #expect(result.received < 1.05)
  }

  @Test func `many peers of a small content are done, and nobody starves`() throws {
    let result = Self.swarm(peers: 24, size: 8 << 20, seed: 1)
    #expect(try #require(result.last) < 4)
    #expect(result.received < 1.3)
  }

  /// P2P_SIMULATION_SEEDS sets how many: thousands take seconds in a release build.
  @Test func `random swarms with bad peers end, and nobody starves`() throws {
    let count = ProcessInfo.processInfo.environment["P2P_SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 12
    for seed in 0..<count {
      var random = SeededGenerator(seed: seed)
      let peers = Int.random(in: 20...(seed % 100 == 99 ? 200 : 30), using: &random)
      let size = Int64.random(in: 1...(2 << 20), using: &random)
      let habits = (0..<peers / 2).map { peer -> SimulatedSwarm.Habit in
        // The first is the seed.
        switch peer == 0 ? 0 : Int.random(in: 0..<8, using: &random) {
        case 1: .slow(Double.random(in: 0.001...0.5, using: &random))
        case 2: .stops(at: Double.random(in: 0...1, using: &random))
        case 3: .leaves(at: Double.random(in: 0...1, using: &random))
        default: .honest
        }
      }
      let result = Self.swarm(peers: peers, size: size, seed: seed, habits: habits)
      let copies = try #require(result.last, "seed \(seed): \(peers) peers, \(size) bytes")
      // A small content takes some round trips, and a stopped source the time until it is noticed.
      #expect(copies * Double(size) / 12.5e6 < 8, "seed \(seed): \(peers) peers, \(size) bytes")
      // Of less than a block, whole blocks are counted.
      #expect(result.received < 2.5 || size < 1 << 14, "seed \(seed): \(peers) peers, \(size) bytes")
    }
  }

  @Test(arguments: 0..<3)
  func `slow, stopped and leaving sources do not set the finishing time`(seed: UInt64) throws {
    let habits: [SimulatedSwarm.Habit] = [.honest, .slow(0.01), .stops(at: 0.5), .leaves(at: 1)]
    let calm = try #require(Self.swarm(peers: 4, seed: seed, seeds: 1, habits: []).last)
    let result = Self.swarm(peers: 4, seed: seed, seeds: 4, habits: habits)
    #expect(try #require(result.last) < calm * 1.3)
  }
}
