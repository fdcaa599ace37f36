// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import NIOPosix
import Synchronization

/// Verifies and writes the bytes of one source, in order, on a thread of the pool. The event loop only receives.
///
/// Verified blocks stay in the file if the source fails later.
final class BlockSink: Sendable {
  enum Item: Sendable {
    case hashes(HashRange, [UInt8])
    case bytes(ByteBuffer)

    var cost: Int {
      switch self {
      case .hashes(_, let bytes): bytes.count
      case .bytes(let buffer): buffer.readableBytes
      }
    }
  }

  /// The result of an item.
  enum Report: Sendable {
    /// Everything before this offset is verified and written.
    case verified(upTo: Int64)
    /// The source sent bytes or hashes that do not belong to the content.
    case wrong(String)
    /// The local disk failed.
    case failed(StoreError)
  }

  private struct Queue {
    var items: [Item] = []
    var bytes = 0
    var isRunning = false
    var isClosed = false
    /// Released when the sink is closed.
    var report: (@Sendable (Report) -> Void)?
    var wantsRoom: (@Sendable () -> Void)?
    var whenIdle: (@Sendable () -> Void)?
  }

  /// Bytes in the queue at which reading from the source stops, until the queue is half empty.
  private static let maxQueued = 4 << 20

  private let pool: NIOThreadPool
  private let received: @Sendable (Int) -> Void
  private let intake: Mutex<BlockIntake>
  private let queue: Mutex<Queue>

  /// - Parameters:
  ///   - received: called with the number of bytes of each item, right or wrong, on the event loop.
  ///   - report: called on a thread of the pool.
  init(
    intake: consuming sending BlockIntake, pool: NIOThreadPool, received: @escaping @Sendable (Int) -> Void = { _ in },
    report: @escaping @Sendable (Report) -> Void
  ) {
    self.received = received
    self.intake = Mutex(intake)
    self.pool = pool
    queue = Mutex(Queue(report: report))
  }

  /// Whether received items are still being verified: the source then is not the cause of a delay.
  var isBusy: Bool { queue.withLock { $0.isRunning } }

  /// - Returns: whether there is room for more. If not, `room` is called as soon as there is.
  func submit(_ item: Item, room: @escaping @Sendable () -> Void) -> Bool {
    if case .bytes(let buffer) = item { received(buffer.readableBytes) }
    let (mustStart, hasRoom) = queue.withLock { queue in
      guard !queue.isClosed else { return (false, true) }
      queue.items.append(item)
      queue.bytes += item.cost
      let hasRoom = queue.bytes < Self.maxQueued
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
          return queue.bytes < Self.maxQueued / 2 ? queue.wantsRoom.take() : nil
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

/// Verifies and writes items; for one thread at a time.
struct BlockIntake {
  private let content: Content
  private let file: PieceFile
  private var verifier: BlockVerifier?
  private var position: Int64
  private var verified: Int64

  /// - Parameter start: the first missing byte, at a block boundary.
  init(_ file: PieceFile, from start: Int64) {
    content = file.content
    self.file = file
    position = start
    verified = start
    if content.geometry.blockCount == 1 {
      verifier = BlockVerifier(content: content, firstBlock: 0, leaves: content.root.bytes)
    }
  }

  mutating func take(_ item: BlockSink.Item) -> BlockSink.Report {
    do throws(StoreError) {
      switch item {
      case .hashes(let range, let bytes): return try takeHashes(range, bytes)
      case .bytes(let buffer): return try takeBytes(buffer)
      }
    } catch {
      return .failed(error)
    }
  }

  private mutating func takeHashes(_ range: HashRange, _ bytes: [UInt8]) throws(StoreError) -> BlockSink.Report {
    guard try file.put(range, bytes) else { return .wrong("hashes that do not lead to the root") }
    let count = min(Int64(range.length), content.geometry.blockCount - range.index)
    let leaves = Array(bytes.prefix(Int(count) * MerkleTree.nodeLength))
    let first = position / PieceGeometry.blockLength
    let known = Int(first - range.index) * MerkleTree.nodeLength
    guard known >= 0 else { return .wrong("hashes out of order") }
    verifier = BlockVerifier(content: content, firstBlock: first, leaves: Array(leaves.dropFirst(known)))
    return .verified(upTo: verified)
  }

  /// Marks the pieces that end between `verified` and an offset.
  private func complete(upTo end: Int64) throws(StoreError) {
    let length = content.geometry.pieceLength
    let last = end == content.size ? content.geometry.pieceCount : end / length
    for piece in verified / length..<max(last, verified / length) { try file.complete(Int(piece)) }
  }

  private mutating func takeBytes(_ buffer: ByteBuffer) throws(StoreError) -> BlockSink.Report {
    let outcome = buffer.withUnsafeReadableBytes { verifier?.append($0) }
    switch outcome {
    case nil, .excess: return .wrong("bytes before their hashes")
    case .wrong(let block): return .wrong("block \(block)")
    case .verified(let end):
      let written = buffer.withUnsafeReadableBytes { bytes in
        Result { () throws(StoreError) in try file.write(bytes, at: position) }
      }
      try written.get()
      position += Int64(buffer.readableBytes)
      try complete(upTo: end)
      verified = end
      return .verified(upTo: end)
    }
  }
}
