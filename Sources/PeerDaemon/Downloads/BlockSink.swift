// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import NIOPosix
import Synchronization

/// Verifies and writes what one source sends, in order, on a thread of the pool. The event loop only receives.
///
/// Verified blocks stay in the file if the source fails later.
final class BlockSink: Sendable {
  enum Item: Sendable {
    case hashes(HashRange, [UInt8])
    /// Part of the bytes of a run of blocks.
    case bytes(PiecePicker.Run, ByteBuffer)

    var cost: Int {
      switch self {
      case .hashes(_, let bytes): bytes.count
      case .bytes(_, let buffer): buffer.readableBytes
      }
    }
  }

  /// The result of an item.
  enum Report: Sendable {
    case hashes(HashRange)
    /// Blocks are verified and written.
    case written(PiecePicker.Run)
    /// Blocks were dropped: they are written already.
    case dropped(PiecePicker.Run)
    /// Blocks were dropped, because the source did not have the hashes that prove them.
    case unproven(PiecePicker.Run)
    /// The source sent bytes or hashes that do not belong to the content.
    case wrong(String)
    /// The local disk failed.
    case failed(StoreError)

    var isFailure: Bool {
      switch self {
      case .wrong, .failed: true
      case .hashes, .written, .dropped, .unproven: false
      }
    }
  }

  private struct Queue {
    var items: [Item] = []
    var bytes = 0
    var isRunning = false
    var isClosed = false
    /// Released when the sink is closed.
    var report: (@Sendable ([Report]) -> Void)?
    var wantsRoom: (@Sendable () -> Void)?
    var whenIdle: (@Sendable () -> Void)?
  }

  /// Bytes in the queue at which reading from the source stops, until the queue is half empty.
  private let maxQueued: Int
  private let pool: NIOThreadPool
  private let intake: Mutex<BlockIntake>
  private let queue: Mutex<Queue>

  /// - Parameters:
  ///   - maxQueued: bytes that may wait.
  ///   - report: called on a thread of the pool.
  init(
    file: PieceFile, pool: NIOThreadPool, maxQueued: Int, report: @escaping @Sendable ([Report]) -> Void
  ) {
    intake = Mutex(BlockIntake(file: file))
    self.pool = pool
    self.maxQueued = maxQueued
    queue = Mutex(Queue(report: report))
  }

  /// Whether received items are still being verified: the source then is not the cause of a delay.
  var isBusy: Bool { queue.withLock { $0.isRunning } }

  /// - Returns: whether there is room for more. If not, `room` is called as soon as there is.
  func submit(_ item: Item, room: @escaping @Sendable () -> Void) -> Bool {
    let (mustStart, hasRoom) = queue.withLock { queue in
      guard !queue.isClosed else { return (false, true) }
      queue.items.append(item)
      queue.bytes += item.cost
      let hasRoom = queue.bytes < maxQueued
      if !hasRoom { queue.wantsRoom = room }
      defer { queue.isRunning = true }
      return (!queue.isRunning, hasRoom)
    }
    if mustStart { pool.submit { _ in self.work() } }
    return hasRoom
  }

  /// Drops the queue and accepts nothing more. `idle` is called when no thread works for the sink.
  func close(idle: @escaping @Sendable () -> Void) {
    let isIdle = queue.withLock { queue in
      queue.isClosed = true
      queue.items = []
      queue.report = nil
      queue.wantsRoom = nil
      guard queue.isRunning else { return true }
      queue.whenIdle = idle
      return false
    }
    if isIdle { idle() }
  }

  private func work() {
    while let items = takeAll() {
      for item in items {
        guard let report = queue.withLock({ $0.report }) else { break }
        report(intake.withLock { $0.take(item) })
        let room = queue.withLock { queue -> (@Sendable () -> Void)? in
          queue.bytes -= item.cost
          return queue.bytes < maxQueued / 2 ? queue.wantsRoom.take() : nil
        }
        room?()
      }
    }
  }

  private func takeAll() -> [Item]? {
    let (items, idle) = queue.withLock { queue -> ([Item]?, (@Sendable () -> Void)?) in
      guard queue.items.isEmpty else {
        defer { queue.items = [] }
        return (queue.items, nil)
      }
      queue.isRunning = false
      return (nil, queue.whenIdle.take())
    }
    idle?()
    return items
  }
}

/// Verifies and writes the items of one source; for one thread at a time.
///
/// Only whole verified blocks are written: another source may have written the same block already.
struct BlockIntake {
  private let file: PieceFile
  private let geometry: PieceGeometry
  /// The run whose bytes come now, and the block that comes next.
  private var run: PiecePicker.Run = 0..<0
  private var block: Int64 = 0
  /// Bytes of the run that have not come yet.
  private var left: Int64 = 0
  private var verifier: BlockVerifier?
  /// The beginning of an incomplete block.
  private var rest: [UInt8] = []
  /// After a failure nothing more is taken: what follows does not fit to what was written.
  private var hasFailed = false

  init(file: PieceFile) {
    self.file = file
    geometry = file.content.geometry
  }

  mutating func take(_ item: BlockSink.Item) -> [BlockSink.Report] {
    guard !hasFailed else { return [] }
    let reports = tryTaking(item)
    hasFailed = reports.contains { $0.isFailure }
    return reports
  }

  private mutating func tryTaking(_ item: BlockSink.Item) -> [BlockSink.Report] {
    do throws(StoreError) {
      switch item {
      case .hashes(let range, let bytes):
        guard try file.put(range, bytes) else { return [.wrong("hashes that do not lead to the root")] }
        return [.hashes(range)]
      case .bytes(let run, let buffer):
        if run != self.run || left == 0 { try begin(run) }
        left -= Int64(buffer.readableBytes)
        guard verifier != nil else { return left == 0 ? [.unproven(run)] : [] }
        return try take(buffer)
      }
    } catch {
      return [.failed(error)]
    }
  }

  private mutating func begin(_ run: PiecePicker.Run) throws(StoreError) {
    (self.run, block, rest, left) = (run, run.lowerBound, [], Int64(geometry.bytes(of: run).count))
    let leaves = try file.leaves(from: run.lowerBound, count: run.count)
    verifier = leaves.map { BlockVerifier(content: file.content, firstBlock: run.lowerBound, leaves: $0) }
  }

  private mutating func take(_ buffer: ByteBuffer) throws(StoreError) -> [BlockSink.Report] {
    let first = block
    let outcome = buffer.withUnsafeReadableBytes { verifier?.append($0) }
    let end: Int64
    switch outcome {
    case nil, .excess: return [.wrong("more bytes than were asked for")]
    case .wrong(let wrong): return [.wrong("block \(wrong)")]
    case .verified(let offset): end = offset
    }
    let written = geometry.blockRange(first).lowerBound
    block = end == geometry.size ? run.upperBound : end / PieceGeometry.blockLength
    // The bytes of whole blocks: what is left of earlier buffers, and the beginning of this one.
    let length = Int(end - written) - rest.count
    guard block > first, length >= 0, length <= buffer.readableBytes else {
      rest.append(contentsOf: buffer.readableBytesView)
      return []
    }
    let report: BlockSink.Report
    if isWritten(first..<block) {
      report = .dropped(first..<block)
    } else {
      try write(rest: rest, buffer, length: length, at: written)
      report = .written(first..<block)
    }
    rest = Array(buffer.readableBytesView.dropFirst(length))
    return [report]
  }

  private func isWritten(_ run: PiecePicker.Run) -> Bool {
    let blocks = geometry.pieceLength / PieceGeometry.blockLength
    let pieces = file.pieces
    return (run.lowerBound / blocks...(run.upperBound - 1) / blocks).allSatisfy { pieces.contains(Int($0)) }
  }

  private func write(rest: [UInt8], _ buffer: ByteBuffer, length: Int, at offset: Int64) throws(StoreError) {
    let result = rest.withUnsafeBytes { rest in
      buffer.withUnsafeReadableBytes { bytes in
        Result { () throws(StoreError) in
          if !rest.isEmpty { try file.write(rest, at: offset) }
          if length > 0 {
            try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<length]), at: offset + Int64(rest.count))
          }
        }
      }
    }
    try result.get()
  }
}
