// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import NIOPosix

/// Requests to the sources, and the blocks that come.
extension ContentFetch {
  // MARK: Requests

  func requestFromAll() {
    for id in sources.keys.sorted() { request(from: id) }
  }

  func request(from id: SourceSelection.ID) {
    guard result == nil, sources[id] != nil else { return }
    var bodies = [SourceMachine.Body]()
    while let run = picker.next(for: id, at: now) {
      bodies += hashes(for: run, id).map(SourceMachine.Body.hashes)
      bodies.append(.blocks(run))
    }
    if bodies.isEmpty { return }
    bodies = upperNodes(id).map(SourceMachine.Body.hashes) + bodies
    sources[id]?.connection.request(bodies)
  }

  /// The leaves that prove a run, unless they are known or were requested on this connection before. A partial source has
  /// them for its own pieces only.
  func hashes(for run: PiecePicker.Run, _ id: SourceSelection.ID) -> [HashRange] {
    let length = picker.hasAll(id) ? PiecePicker.groupBlocks : picker.unitBlocks
    return (run.lowerBound / length...(run.upperBound - 1) / length).compactMap { part in
      let blocks = run.clamped(to: part * length..<(part + 1) * length)
      guard !picker.units(of: blocks).allSatisfy({ file.knowsLeaves(of: $0) }),
        let range = HashRange.leaves(from: part * length, count: length, of: content),
        sources[id]?.askedLeaves.insert(range).inserted == true
      else { return nil }
      return range
    }
  }

  /// The nodes above the leaves, to answer other downloads; from the first complete source.
  func upperNodes(_ id: SourceSelection.ID) -> [HashRange] {
    guard !file.knowsUpperNodes, picker.hasAll(id) else { return [] }
    let wanted = HashRange.groups(of: content).filter { upper[$0] == nil }
    for range in wanted { upper[range] = id }
    return wanted
  }

  // MARK: Blocks

  /// Bytes within the time of a stall that count as progress: a source that limits its rate is slow, but not dead.
  private static let minProgress = 4096

  func received(_ bytes: Int, from id: SourceSelection.ID) {
    guard let source = sources[id] else { return }
    received += Int64(bytes)
    context.observer.received(bytes, source.holder)
    sources[id]?.trickled += bytes
    guard source.trickled + bytes >= Self.minProgress else { return }
    sources[id]?.trickled = 0
    sources[id]?.lastProgress = loop.now
  }

  /// A limit of the user is no fault of the source, and no reason to look for others.
  func setHeld(_ isHeld: Bool, _ id: SourceSelection.ID) {
    guard result == nil, sources[id] != nil else { return }
    sources[id]?.isHeld = isHeld
    sources[id]?.lastProgress = loop.now
    picker.setHeld(isHeld, id, at: now)
    selection.held(at: loop.now)
  }

  func makeSink(_ id: SourceSelection.ID) -> BlockSink {
    working += 1
    let bound = NIOLoopBound(self, eventLoop: loop)
    let share = Self.maxQueued / max(sources.count, 2)
    return BlockSink(file: file, pool: context.pool, maxQueued: share) { [loop] reports in
      loop.execute { bound.value.take(reports, of: id) }
    }
  }

  func take(_ reports: [BlockSink.Report], of id: SourceSelection.ID) {
    guard result == nil, sources[id] != nil else { return }
    for report in reports {
      switch report {
      case .hashes: sources[id]?.lastProgress = loop.now
      case .written(let run): wrote(run, id)
      case .dropped(let run):
        sources[id]?.lastProgress = loop.now
        picker.dropped(run, from: id, at: now)
      case .unproven(let run):
        sources[id]?.lastProgress = loop.now
        picker.returned(run, from: id, at: now)
      case .wrong(let what): return end(id, .wrongBytes(what))
      case .failed(let error): return finish(.storage(error))
      }
    }
    guard result == nil else { return }
    request(from: id)
    if picker.isComplete { proceed() }
  }

  func wrote(_ run: PiecePicker.Run, _ id: SourceSelection.ID) {
    let before = picker.written
    unmarked += picker.wrote(run, from: id, at: now)
    let bytes = picker.written - before
    // Only complete blocks count as progress, not a trickle of bytes.
    sources[id]?.lastProgress = loop.now
    sources[id]?.gained += bytes
    if bytes > 0 { selection.gained(at: loop.now) }
    report()
    mark()
  }

  /// Marks whole pieces in the file, those of one turn together.
  func mark() {
    guard !isMarking, !unmarked.isEmpty, result == nil else { return }
    isMarking = true
    working += 1
    let pieces = unmarked
    unmarked = []
    let bound = NIOLoopBound(self, eventLoop: loop)
    context.pool.submit { [file, loop] state in
      let marked = Result { () throws(StoreError) in
        guard case .active = state else { throw StoreError(.cancelled, file.target.path, "the peer is stopping") }
        for piece in pieces { try file.complete(piece) }
      }
      loop.execute { bound.value.marked(pieces, marked) }
    }
  }

  func marked(_ pieces: [Int], _ outcome: Result<Void, StoreError>) {
    isMarking = false
    working -= 1
    guard result == nil else { return endIfIdle() }
    switch outcome {
    case .failure(let error): finish(.storage(error))
    case .success:
      context.observer.completed(pieces)
      mark()
      proceed()
    }
  }
}
