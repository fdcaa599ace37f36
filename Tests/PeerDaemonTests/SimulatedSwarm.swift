// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import PeerDaemon

/// A swarm of pickers on a virtual clock: a seed and peers that fetch one content from it and from each other.
///
/// Each peer sends 64 KiB at a time, in turns to those who asked, at the rate of its line, and receives at the same rate.
/// Messages take no time but `latency`; what a peer has got is told to others every 200 ms.
struct SimulatedSwarm {
  /// What is wrong with a peer as a source.
  enum Habit: Equatable {
    case honest
    /// Sends at a fraction of its rate.
    case slow(Double)
    /// Stops sending at this time and never answers again.
    case stops(at: Double)
    /// Leaves at this time.
    case leaves(at: Double)
  }

  struct Result {
    /// When the last peer was done; `nil` if it never was.
    var last: Double?
    /// How often the seed sent the content.
    var seedCopies: Double
    /// Bytes received by all peers, by the size of the content and their number.
    var receivedCopies: Double
  }

  private struct Peer {
    let id: PeerID
    let habit: Habit
    var picker: PiecePicker
    /// Of each peer that asked, the runs to send.
    var queues: [Int: [PiecePicker.Run]] = [:]
    /// Whose turn it is.
    var turns: [Int] = []
    var isSending = false
    var receivesUntil = 0.0
    var sent: Int64 = 0
    var received: Int64 = 0
    /// Pieces to tell others.
    var news: [Int] = []
    var sources: Set<Int> = []
    var isGone = false
  }

  private enum Event {
    case start(Int)
    case meet(Int)
    case arrival(from: Int, to: Int, PiecePicker.Run)
    case sent(Int)
    case news(Int)
    case check(Int)
    case leave(Int)
  }

  private static let chunk: Int64 = 4
  private static let latency = 0.001

  private let size: Int64
  private let rate: Double
  private var peers: [Peer]
  private var events = EventHeap<Event>()
  private var now = 0.0
  private var finished: Double?
  private(set) var violations: [String] = []

  /// - Parameters:
  ///   - peers: downloads; the seed comes on top.
  ///   - rate: bytes per second of each line, both ways.
  ///   - habits: of the seed, then of each peer; the rest is honest.
  ///   - seeds: complete peers.
  init(
    peers count: Int, size: Int64, rate: Double, seeds: Int = 1, habits: [Habit] = [],
    bounds: PiecePicker.Bounds = PiecePicker.Bounds(), using random: inout some RandomNumberGenerator
  ) {
    self.size = size
    self.rate = rate
    let pieces = Int(PieceGeometry(size: size).pieceCount)
    peers = (0..<count + seeds).map { index in
      let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
      return Peer(
        id: PeerID(digest: Digest(bytes: bytes) ?? .zero),
        habit: habits.indices.contains(index) ? habits[index] : .honest,
        picker: PiecePicker(
          size: size, pieces: index < seeds ? PieceSet(full: pieces) : PieceSet(count: pieces),
          start: Double.random(in: 0..<1, using: &random), bounds: bounds))
    }
    self.seeds = seeds
    for index in seeds..<peers.count { events.push(.start(index), at: Double.random(in: 0..<0.03, using: &random)) }
    for index in peers.indices {
      if case .leaves(let time) = peers[index].habit { events.push(.leave(index), at: time) }
    }
  }

  private let seeds: Int
  /// As a download asks its index.
  private static let meetings = [0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 8, 20]

  mutating func run(limit: Double) -> Result {
    while finished == nil, let (time, event) = events.pop(), time < limit {
      now = time
      take(event)
    }
    let total = Double(size)
    let downloads = peers[seeds...].filter { !$0.isGone }
    return Result(
      last: finished, seedCopies: peers[..<seeds].reduce(0.0) { $0 + Double($1.sent) } / total,
      receivedCopies: downloads.reduce(0.0) { $0 + Double($1.received) } / total / Double(max(downloads.count, 1)))
  }

  private mutating func take(_ event: Event) {
    switch event {
    case .start(let peer):
      for time in Self.meetings { events.push(.meet(peer), at: now + time) }
      events.push(.news(peer), at: now + 0.2)
      events.push(.check(peer), at: now + 0.1)
      peers[peer].sources = [peer]
    case .meet(let peer): meet(peer)
    case .arrival(let source, let peer, let run): arrive(run, from: source, to: peer)
    case .sent(let peer):
      peers[peer].isSending = false
      send(from: peer)
    case .news(let peer):
      events.push(.news(peer), at: now + 0.2)
      tell(peer)
    case .check(let peer):
      guard !peers[peer].isGone, !peers[peer].picker.isComplete else { return }
      events.push(.check(peer), at: now + 0.1)
      for source in peers[peer].sources.sorted() { ask(source, for: peer) }
    case .leave(let peer): leave(peer)
    }
  }

  private mutating func meet(_ peer: Int) {
    guard !peers[peer].isGone else { return }
    for other in peers.indices where other != peer && !peers[other].isGone && !peers[peer].sources.contains(other) {
      guard other < seeds || !peers[other].sources.isEmpty else { continue }
      peers[peer].sources.insert(other)
      peers[peer].picker.add(other, other < seeds ? .complete : .pieces(peers[other].picker.pieces), at: now)
    }
    let others = peers[peer].sources.filter { $0 >= seeds && $0 != peer }.map { peers[$0].id }
    peers[peer].picker.rank(peers[peer].id, among: others)
    for source in peers[peer].sources.sorted() { ask(source, for: peer) }
  }

  private mutating func ask(_ source: Int, for peer: Int) {
    guard source != peer, !peers[source].isGone else { return }
    while let run = peers[peer].picker.next(for: source, at: now) {
      if peers[source].queues[peer, default: []].isEmpty { peers[source].turns.append(peer) }
      peers[source].queues[peer, default: []].append(run)
    }
    send(from: source)
  }

  private mutating func send(from source: Int) {
    guard !peers[source].isSending, !peers[source].isGone, !peers[source].turns.isEmpty else { return }
    var rate = rate
    switch peers[source].habit {
    case .slow(let part): rate *= part
    case .stops(let time) where now >= time: return
    default: break
    }
    let peer = peers[source].turns.removeFirst()
    guard var queue = peers[source].queues[peer], let first = queue.first, !peers[peer].isGone else {
      return send(from: source)
    }
    let chunk = first.lowerBound..<min(first.lowerBound + Self.chunk, first.upperBound)
    queue[0] = chunk.upperBound..<first.upperBound
    if queue[0].isEmpty { queue.removeFirst() }
    peers[source].queues[peer] = queue
    if !queue.isEmpty { peers[source].turns.append(peer) }
    let bytes = Int64(chunk.count) * PieceGeometry.blockLength
    let time = Double(bytes) / rate
    peers[source].isSending = true
    peers[source].sent += bytes
    let arrival = max(now + time, peers[peer].receivesUntil + Double(bytes) / self.rate)
    peers[peer].receivesUntil = arrival
    events.push(.sent(source), at: now + time)
    events.push(.arrival(from: source, to: peer, chunk), at: arrival + Self.latency)
  }

  private mutating func arrive(_ run: PiecePicker.Run, from source: Int, to peer: Int) {
    guard !peers[peer].isGone, peers[peer].sources.contains(source) else { return }
    peers[peer].received += Int64(run.count) * PieceGeometry.blockLength
    let wholePieces = peers[peer].picker.wrote(run, from: source, at: now)
    peers[peer].news += wholePieces
    if peers[peer].picker.isComplete, peers[seeds...].allSatisfy({ $0.isGone || $0.picker.isComplete }) {
      finished = now
    }
    ask(source, for: peer)
  }

  private mutating func tell(_ peer: Int) {
    let news = peers[peer].news
    guard !news.isEmpty, !peers[peer].isGone else { return }
    peers[peer].news = []
    for other in peers.indices where other != peer && peers[other].sources.contains(peer) && !peers[other].isGone {
      for piece in news { peers[other].picker.gained(peer, piece..<piece + 1) }
      ask(peer, for: other)
    }
  }

  private mutating func leave(_ peer: Int) {
    peers[peer].isGone = true
    for other in peers.indices where other != peer && peers[other].sources.remove(peer) != nil {
      peers[other].picker.remove(peer)
    }
  }
}

/// Events in the order of their times; those of one time in the order in which they were pushed.
struct EventHeap<Event> {
  private var entries: [(time: Double, number: Int, event: Event)] = []
  private var count = 0

  mutating func push(_ event: Event, at time: Double) {
    count += 1
    entries.append((time, count, event))
    var child = entries.count - 1
    while child > 0, isBefore(child, (child - 1) / 2) {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> (Double, Event)? {
    guard let first = entries.first else { return nil }
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var parent = 0
    while true {
      let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < entries.count }
      guard let least = children.min(by: isBefore), isBefore(least, parent) else { break }
      entries.swapAt(least, parent)
      parent = least
    }
    return (first.time, first.event)
  }

  private func isBefore(_ left: Int, _ right: Int) -> Bool {
    (entries[left].time, entries[left].number) < (entries[right].time, entries[right].number)
  }
}
