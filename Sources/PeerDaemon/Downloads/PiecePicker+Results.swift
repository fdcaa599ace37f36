// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// The end game, and what becomes of requests.
extension PiecePicker {
  // MARK: The end game

  /// A part of what a slower source has to deliver, if this one would be ready earlier.
  func sharedRun(for id: SourceID, _ source: Source, _ held: PieceSet?, at now: Time) -> Run? {
    // One that has delivered nothing yet is tried as well.
    let rate = max(source.meter.rate(at: now) ?? Self.assumedRate, 1)
    let late = Set(sources.filter { $0.value.meter.silence(at: now) > bounds.patience }.keys)
    let own = Double(source.inFlight * PieceGeometry.blockLength) / rate
    let isEnd = untouched.isEmpty
    var best: (run: Run, due: Time)?
    for (other, slow) in sources where other != id && !slow.requests.isEmpty {
      let slowRate = max(slow.meter.rate(at: now) ?? Self.assumedRate, 1)
      let isLate = late.contains(other)
      // What our own limit holds back comes no earlier from another source.
      guard isLate || (isEnd && !slow.meter.isHeldBack(at: now)) else { continue }
      var ahead: Int64 = 0
      for run in slow.requests {
        ahead += Int64(run.count)
        let left = remaining(of: run, excluding: id, late, held)
        guard !left.isEmpty else { continue }
        let due = isLate ? .infinity : Double(ahead * PieceGeometry.blockLength) / slowRate
        let length = Double(Int64(left.count) * PieceGeometry.blockLength)
        guard due > own + length / rate * 1.25, due > best?.due ?? 0 else { continue }
        // Both are ready at about the same time.
        let share = isLate ? 1 : rate / (rate + slowRate)
        let count = max(Int64((Double(left.count) * share).rounded(.up)), 1)
        best = (left.upperBound - min(count, Int64(left.count))..<left.upperBound, due)
      }
    }
    return best?.run
  }

  /// Bytes per second of a source that has not delivered yet.
  private static let assumedRate = Double(PieceGeometry.smallestPiece)

  /// The last part of a requested run that is neither written nor requested from `id` or too many others, and that `held`
  /// has. Owners that are late do not count.
  private func remaining(of run: Run, excluding id: SourceID, _ late: Set<SourceID>, _ held: PieceSet?) -> Run {
    var upper = run.upperBound
    while upper > run.lowerBound, !isShareable(upper - 1, with: id, late, held) { upper -= 1 }
    var lower = upper
    while lower > run.lowerBound, isShareable(lower - 1, with: id, late, held) { lower -= 1 }
    return lower..<upper
  }

  private func isShareable(_ block: Int64, with id: SourceID, _ late: Set<SourceID>, _ held: PieceSet?) -> Bool {
    let unit = Int(block / unitBlocks)
    guard held?.contains(unit / unitsPerPiece) ?? true, let open = open[unit],
      !open.done.contains(block - blocks(of: unit).lowerBound)
    else { return false }
    var owners = 0
    for (source, run) in open.requests where run.contains(block) {
      if source == id { return false }
      if !late.contains(source) { owners += 1 }
    }
    return owners < bounds.maxOwners
  }

  // MARK: Results

  /// Blocks of a source are written.
  ///
  /// - Returns: pieces that are whole now.
  package mutating func wrote(_ run: Run, from id: SourceID, at now: Time) -> [Int] {
    // Before the request is answered: an open unit without blocks and requests would count as untouched.
    defer { dropped(run, from: id, at: now) }
    var finished = [Int]()
    for unit in units(of: run) {
      guard var state = open[unit] else { continue }
      let range = blocks(of: unit)
      let part = run.clamped(to: range)
      let before = state.done.count
      state.done.insert(part.lowerBound - range.lowerBound..<part.upperBound - range.lowerBound)
      writtenBlocks += Int64(state.done.count - before)
      open[unit] = state
      if state.done.count >= range.count {
        open[unit] = nil
        loose.remove(unit)
        whole.insert(unit)
        if let piece = finish(unit) { finished.append(piece) }
      } else {
        settle(unit)
      }
    }
    return finished
  }

  /// Blocks of a source were dropped, because they are written already.
  package mutating func dropped(_ run: Run, from id: SourceID, at now: Time) {
    sources[id]?.meter.add(Int64(run.count) * PieceGeometry.blockLength, at: now)
    answered(run, from: id, at: now)
  }

  /// A source does not have what it was asked for.
  package mutating func refused(_ run: Run, from id: SourceID, at now: Time) {
    answered(run, from: id, at: now)
    lacks(id, blocks: run)
  }

  /// A partial source does not have all of the pieces of these blocks.
  package mutating func lacks(_ id: SourceID, blocks run: Run) {
    guard case .pieces(var held)? = sources[id]?.holding else { return }
    for unit in units(of: run) where held.remove(unit / unitsPerPiece) {
      let piece = unit / unitsPerPiece
      if availability[piece] > 0 { availability[piece] -= 1 }
    }
    sources[id]?.holding = .pieces(held)
  }

  /// A source sent blocks that could not be used: they are wanted again.
  package mutating func returned(_ run: Run, from id: SourceID, at now: Time) {
    answered(run, from: id, at: now)
  }

  /// A piece that was written turned out to be damaged.
  package mutating func lost(_ piece: Int) {
    guard pieces.remove(piece) else { return }
    for unit in units(ofPiece: piece) where whole.remove(unit) {
      untouched.insert(unit)
      writtenBlocks -= Int64(blocks(of: unit).count)
    }
  }

  /// Takes the answered blocks, the beginning of a request, out of what is in flight.
  mutating func answered(_ run: Run, from id: SourceID, at now: Time) {
    guard var source = sources[id], let index = source.requests.firstIndex(where: { $0.overlaps(run) }) else { return }
    let old = source.requests[index]
    let rest = max(run.upperBound, old.lowerBound)..<max(old.upperBound, run.upperBound)
    source.inFlight -= Int64(old.count - rest.count)
    if rest.isEmpty { source.requests.remove(at: index) } else { source.requests[index] = rest }
    source.meter.setBusy(!source.requests.isEmpty, at: now)
    sources[id] = source
    release(old.lowerBound..<rest.lowerBound, of: id)
  }

  /// Nobody waits for these blocks from this source any more.
  mutating func release(_ run: Run, of id: SourceID) {
    for unit in units(of: run) {
      guard let requests = open[unit]?.requests else { continue }
      open[unit]?.requests = requests.flatMap { entry -> [(source: SourceID, run: Run)] in
        guard entry.source == id, entry.run.overlaps(run) else { return [entry] }
        let before = entry.run.lowerBound..<max(run.lowerBound, entry.run.lowerBound)
        let after = min(run.upperBound, entry.run.upperBound)..<entry.run.upperBound
        return [before, after].filter { !$0.isEmpty }.map { (id, $0) }
      }
      settle(unit)
    }
  }

  mutating func settle(_ unit: Int) {
    guard let state = open[unit] else { return }
    if state.done.isEmpty, state.requests.isEmpty {
      open[unit] = nil
      loose.remove(unit)
      untouched.insert(unit)
    } else if firstFree(of: state, unit) != nil {
      loose.insert(unit)
    } else {
      loose.remove(unit)
    }
  }

  mutating func finish(_ unit: Int) -> Int? {
    let piece = unit / unitsPerPiece
    guard !pieces.contains(piece), units(ofPiece: piece).allSatisfy({ whole.contains($0) }) else { return nil }
    pieces.insert(piece)
    return piece
  }
}
