// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Decides what a download requests from which of its sources: a value without I/O, clock and randomness of its own.
///
/// It schedules *units*, pieces or 8 MiB parts of larger pieces, whose blocks are proven by one range of leaves. A request
/// is a run of blocks of one group of 512; a source answers its requests in order. Outside the end game a block is requested
/// from one source; at the end, and where a source is late, the slowest requests are shared with faster sources.
package struct PiecePicker: Sendable {
  package typealias SourceID = Int
  /// Seconds on a clock that only moves forward.
  package typealias Time = Double
  /// Blocks of one group of 512, requested together.
  package typealias Run = Range<Int64>

  package struct Bounds: Sendable {
    /// Seconds of a source's delivery that are requested ahead.
    package var ahead: Time = 0.25
    /// Bytes in flight of a source, at least and at most.
    package var minWindow: Int64 = 65_536
    package var maxWindow: Int64 = 16 << 20
    /// A request is late if its source has delivered nothing for this long, and shared then.
    package var patience: Time = 2
    /// Sources from which one block may be requested at a time.
    package var maxOwners = 3

    package init() {}
  }

  /// What a source has.
  package enum Holding: Hashable, Sendable {
    case complete
    case pieces(PieceSet)

    /// `nil` if it is complete.
    fileprivate var pieces: PieceSet? {
      guard case .pieces(let pieces) = self else { return nil }
      return pieces
    }
  }

  struct Source {
    var holding: Holding
    /// In the order of the answers.
    var requests: [Run] = []
    /// Blocks of `requests`.
    var inFlight: Int64 = 0
    var meter: DeliveryMeter
    /// The unit behind the last one requested: the next request continues there, for the disk's sake.
    var cursor: Int
  }

  /// A unit that is not whole, of which something is requested or written.
  struct Open {
    /// One bit per block.
    var done: BlockMask
    /// Owners of each requested run.
    var requests: [(source: SourceID, run: Run)] = []
  }

  let geometry: PieceGeometry
  /// Blocks of a unit, a power of two.
  package let unitBlocks: Int64
  let unitsPerPiece: Int
  let unitCount: Int
  let bounds: Bounds
  /// Whether the content is wanted from the start to the end, for a reader.
  private let isInOrder: Bool
  private let start: Int

  var sources: [SourceID: Source] = [:]
  private var completeSources = 0
  /// Of each piece, the partial sources that have it.
  var availability: [UInt16]
  /// The order in which this download asks complete sources for pieces that nobody else has; equal if it is alone.
  private var ranks: [UInt32]
  /// Units that are whole.
  var whole: PieceSet
  var open: [Int: Open] = [:]
  /// Open units of which some blocks are neither written nor requested.
  var loose: Set<Int> = []
  /// Units that are neither whole nor open.
  var untouched: PieceSet
  /// Pieces that are written.
  package internal(set) var pieces: PieceSet
  var writtenBlocks: Int64 = 0

  /// - Parameters:
  ///   - pieces: those that are written already.
  ///   - start: where to begin, 0..<1 of the content: other downloads begin elsewhere.
  package init(
    size: Int64, pieces: PieceSet, isInOrder: Bool = false, start: Double = 0, bounds: Bounds = Bounds()
  ) {
    geometry = PieceGeometry(size: size)
    unitBlocks = min(geometry.pieceLength, Self.groupLength) / PieceGeometry.blockLength
    unitsPerPiece = Int(max(geometry.pieceLength / Self.groupLength, 1))
    let pieceCount = Int(geometry.pieceCount)
    unitCount = Int((geometry.blockCount + unitBlocks - 1) / unitBlocks)
    self.bounds = bounds
    self.isInOrder = isInOrder
    self.start = isInOrder ? 0 : min(Int(start * Double(unitCount)), max(unitCount - 1, 0))
    self.pieces = pieces
    availability = Array(repeating: 0, count: pieceCount)
    ranks = Array(repeating: 0, count: pieceCount)
    whole = PieceSet(count: unitCount)
    untouched = PieceSet(count: unitCount)
    for unit in 0..<unitCount {
      if pieces.contains(unit / unitsPerPiece) {
        whole.insert(unit)
        writtenBlocks += Int64(blocks(of: unit).count)
      } else {
        untouched.insert(unit)
      }
    }
  }

  /// Bytes whose leaves are proven by one request.
  private static let groupLength = groupBlocks * PieceGeometry.blockLength
  package static let groupBlocks: Int64 = 512
  /// A source that has enough to do is not asked again before there is room for so many bytes, or for a quarter of what is in
  /// flight: each request costs both sides some turns.
  private static let largeRun: Int64 = 1 << 20

  package var isComplete: Bool { whole.isFull }

  /// Bytes that are written, in whole pieces or not.
  package var written: Int64 { min(writtenBlocks * PieceGeometry.blockLength, geometry.size) }

  /// Everything before this offset is written.
  package var prefix: Int64 {
    guard let unit = whole.firstMissing() else { return geometry.size }
    let range = blocks(of: unit)
    let gap = open[unit].flatMap { $0.done.firstGap(in: 0..<Int64(range.count)) }?.lowerBound ?? 0
    return min((range.lowerBound + gap) * PieceGeometry.blockLength, geometry.size)
  }

  // MARK: Sources

  package mutating func add(_ id: SourceID, _ holding: Holding, at now: Time) {
    guard sources[id] == nil else { return }
    sources[id] = Source(
      holding: .pieces(PieceSet(count: pieces.count)), meter: DeliveryMeter(start: now), cursor: start)
    update(id, holding)
  }

  /// What a source has now, in place of what it had.
  package mutating func update(_ id: SourceID, _ holding: Holding) {
    guard let source = sources[id] else { return }
    count(source.holding, -1)
    count(holding, 1)
    sources[id]?.holding = holding
  }

  /// A partial source has more pieces.
  package mutating func gained(_ id: SourceID, _ range: Range<Int>) {
    guard case .pieces(var held)? = sources[id]?.holding else { return }
    for piece in range.clamped(to: 0..<pieces.count) where held.insert(piece) { availability[piece] += 1 }
    sources[id]?.holding = .pieces(held)
  }

  /// A source has left. What was requested from it is free for others.
  package mutating func remove(_ id: SourceID) {
    guard let source = sources.removeValue(forKey: id) else { return }
    count(source.holding, -1)
    for run in source.requests { release(run, of: id) }
  }

  /// Divides what only complete sources have among the downloads of this content, so that they do not ask for the same.
  ///
  /// Each piece belongs to the download whose hash of its id and the piece is the highest (rendezvous hashing), then to the
  /// one with the second highest, and so on. A download takes first what is its own, then what it is second for.
  package mutating func rank(_ own: PeerID, among others: some Sequence<PeerID>) {
    let seed = own.shortHash
    let seeds = others.map(\.shortHash).filter { $0 != seed }
    for piece in ranks.indices {
      let mine = Self.mix(seed, piece)
      let before = UInt32(seeds.count { Self.mix($0, piece) > mine })
      ranks[piece] = seeds.isEmpty ? 0 : before << 16 | UInt32(~mine >> 48)
    }
  }

  private static func mix(_ seed: UInt64, _ piece: Int) -> UInt64 {
    // The finaliser of splitmix64.
    var value = seed &+ UInt64(truncatingIfNeeded: piece) &* 0x9E37_79B9_7F4A_7C15
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  private mutating func count(_ holding: Holding, _ change: Int) {
    switch holding {
    case .complete: completeSources += change
    case .pieces(let held):
      for range in held.ranges {
        for piece in range.clamped(to: availability.indices) {
          availability[piece] = UInt16(clamping: Int(availability[piece]) + change)
        }
      }
    }
  }

  /// Whether a source has the whole content.
  package func hasAll(_ id: SourceID) -> Bool { sources[id]?.holding == .complete }

  /// Whether a source has something that is missing and not on its way from it.
  package func isUseful(_ id: SourceID) -> Bool {
    guard let source = sources[id] else { return false }
    switch source.holding {
    case .complete: return !isComplete
    case .pieces(let held): return (0..<pieces.count).contains { held.contains($0) && !pieces.contains($0) }
    }
  }

  /// Our own limit of the rate keeps a source from delivering, or does no more: it is neither late nor slow then.
  package mutating func setHeld(_ isHeld: Bool, _ id: SourceID, at now: Time) {
    sources[id]?.meter.setHeld(isHeld, at: now)
  }

  /// Bytes per second that a source delivers; `nil` before its first block.
  package func rate(of id: SourceID, at now: Time) -> Double? { sources[id]?.meter.rate(at: now) }

  /// Whether a source has requests to answer.
  package func isBusy(_ id: SourceID) -> Bool { sources[id]?.requests.isEmpty == false }

  // MARK: Decisions

  /// The next request to a source; `nil` if it has enough to do or nothing that is wanted.
  ///
  /// - Parameter limit: most bytes of a request.
  package mutating func next(for id: SourceID, at now: Time) -> Run? {
    guard let source = sources[id] else { return nil }
    let room = window(of: source, at: now) - source.inFlight * PieceGeometry.blockLength
    guard room > min(Self.largeRun, source.inFlight * PieceGeometry.blockLength / 4) else { return nil }
    let held = source.holding.pieces
    let run =
      looseRun(for: held) ?? untouchedRun(for: held, from: source.cursor, room: room)
      ?? sharedRun(for: id, source, held, at: now)
    if let run { request(run, from: id, at: now) }
    return run
  }

  /// Bytes that may be in flight.
  private func window(of source: Source, at now: Time) -> Int64 {
    guard let rate = source.meter.rate(at: now) else { return bounds.minWindow }
    // Towards the end, little is requested ahead, so that fast sources take what slow ones would deliver late.
    let left = Int64(untouched.population) * unitBlocks * PieceGeometry.blockLength / Int64(2 * sources.count)
    return min(max(min(Int64(rate * bounds.ahead), left), bounds.minWindow), bounds.maxWindow)
  }

  /// What another source left behind.
  private func looseRun(for held: PieceSet?) -> Run? {
    guard !loose.isEmpty else { return nil }
    let unit = loose.filter { held?.contains($0 / unitsPerPiece) ?? true }.min()
    return unit.flatMap { unit in open[unit].flatMap { firstFree(of: $0, unit) } }
  }

  func firstFree(of open: Open, _ unit: Int) -> Run? {
    var taken = open.done
    let range = blocks(of: unit)
    for (_, run) in open.requests {
      taken.insert(run.lowerBound - range.lowerBound..<run.upperBound - range.lowerBound)
    }
    return taken.firstGap(in: 0..<Int64(range.count)).map {
      range.lowerBound + $0.lowerBound..<range.lowerBound + $0.upperBound
    }
  }

  /// A run of the best unit and those behind it that are as good.
  private func untouchedRun(for held: PieceSet?, from cursor: Int, room: Int64) -> Run? {
    guard let first = bestUnit(for: held, from: cursor) else { return nil }
    let score = score(of: first, isComplete: held == nil)
    let group = blocks(of: first).lowerBound / Self.groupBlocks
    var end = blocks(of: first).upperBound
    var next = first + 1
    while untouched.contains(next), held?.contains(next / unitsPerPiece) ?? true {
      let range = blocks(of: next)
      guard range.lowerBound / Self.groupBlocks == group, self.score(of: next, isComplete: held == nil) == score,
        (range.upperBound - blocks(of: first).lowerBound) * PieceGeometry.blockLength <= room
      else { break }
      end = range.upperBound
      next += 1
    }
    return blocks(of: first).lowerBound..<end
  }

  /// The lowest score counts; equal ones are taken from the cursor on.
  private func bestUnit(for held: PieceSet?, from cursor: Int) -> Int? {
    var best: (unit: Int, score: UInt64)?
    for part in [(isInOrder ? 0 : cursor)..<unitCount, 0..<(isInOrder ? 0 : cursor)] {
      var next = untouched.first(from: part.lowerBound)
      while let unit = next, unit < part.upperBound {
        if held?.contains(unit / unitsPerPiece) ?? true {
          let score = score(of: unit, isComplete: held == nil)
          if score == 0 { return unit }
          if score < best?.score ?? .max { best = (unit, score) }
        }
        next = untouched.first(from: unit + 1)
      }
    }
    return best?.unit
  }

  /// 0 is best. Of a complete source: what no partial source has, in the order of `ranks`; then what few partial sources
  /// have. Of a partial source: what few others have.
  private func score(of unit: Int, isComplete: Bool) -> UInt64 {
    if isInOrder { return 0 }
    let piece = unit / unitsPerPiece
    let holders = UInt64(availability[piece])
    guard isComplete else { return holders > 0 ? holders - 1 : 0 }
    return holders == 0 ? UInt64(ranks[piece]) : 1 << 32 + holders
  }

  private mutating func request(_ run: Run, from id: SourceID, at now: Time) {
    sources[id]?.meter.setBusy(true, at: now)
    sources[id]?.requests.append(run)
    sources[id]?.inFlight += Int64(run.count)
    for unit in units(of: run) {
      let part = run.clamped(to: blocks(of: unit))
      if untouched.contains(unit) {
        untouched.remove(unit)
        open[unit] = Open(done: BlockMask())
      }
      open[unit]?.requests.append((id, part))
      settle(unit)
    }
    if let last = units(of: run).last { sources[id]?.cursor = last + 1 < unitCount ? last + 1 : 0 }
  }

  // MARK: Geometry

  func blocks(of unit: Int) -> Run {
    let first = Int64(unit) * unitBlocks
    return min(first, geometry.blockCount)..<min(first + unitBlocks, geometry.blockCount)
  }

  /// The units that a run touches.
  package func units(of run: Run) -> Range<Int> {
    guard !run.isEmpty else { return 0..<0 }
    return Int(run.lowerBound / unitBlocks)..<Int((run.upperBound - 1) / unitBlocks) + 1
  }

  func units(ofPiece piece: Int) -> Range<Int> {
    piece * unitsPerPiece..<min((piece + 1) * unitsPerPiece, unitCount)
  }
}

extension PeerID {
  fileprivate var shortHash: UInt64 {
    digest.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
