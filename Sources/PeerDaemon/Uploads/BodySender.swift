// SPDX-License-Identifier: Apache-2.0

import ContentStore
import LineTransport
import NIOCore
import NIOPosix

/// Sends a long body from a file, by sendfile(2). While one part is sent, the next is checked and read into the page cache
/// on a thread: a change of the file is detected, and the event loop never waits for the disk. On a connection with TLS,
/// which the kernel cannot write to, the thread reads parts into memory: one is sent, the next is read.
///
/// Confined to the event loop of its connection.
final class BodySender {
  enum Step {
    /// The other side took this many bytes.
    case sent(Int64)
    case ended
    /// The body cannot be completed. `nil` if the connection is closed or stalls.
    case failed(StoreError?)
  }

  /// Bytes that are checked and read in at a time.
  static let partLength: Int64 = 1024 * 1024
  /// Bytes that are sent at a time, and the maximum time for them.
  private static let regionLength: Int64 = 256 * 1024
  private static let regionTimeout = TimeAmount.seconds(30)

  /// What was done when the body was asked for; it decides how the rest is sent.
  enum Beginning: Sendable {
    /// So many bytes are in the page cache.
    case cached(Int64)
    /// For a connection with TLS.
    case read(ByteBuffer)
  }

  /// Checks and reads in a part.
  typealias Prepare = (_ offset: Int64, _ length: Int64) -> EventLoopFuture<StoreError?>

  /// Checks a part and reads it into memory.
  typealias Read = (_ offset: Int64, _ length: Int64) -> EventLoopFuture<Result<ByteBuffer, StoreError>>

  private let connection: any LineConnection
  private let allowance: RateAllowance
  private let handle: NIOFileHandle
  private let end: Int64
  private let prepare: Prepare
  private let read: Read
  /// Whether parts go through memory, else by sendfile(2).
  private let isRead: Bool
  /// What was read and is not sent yet.
  private var parts = CircularBuffer<ByteBuffer>(initialCapacity: 2)
  private let report: (Step) -> Void
  private var sent: Int64
  /// Up to where the file may be sent.
  private var prepared: Int64
  private var isPreparing = false
  private var isSending = false
  private var isOver = false

  /// - Parameters:
  ///   - descriptor: of its own.
  ///   - prepare: the next part, if the beginning is in the page cache.
  ///   - read: the same, if it is in memory.
  init(
    descriptor: CInt, from offset: Int64, to end: Int64, _ beginning: Beginning, on connection: any LineConnection,
    allowance: RateAllowance, prepare: @escaping Prepare, read: @escaping Read, report: @escaping (Step) -> Void
  ) {
    handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
    sent = offset
    self.end = end
    switch beginning {
    case .cached(let length):
      isRead = false
      prepared = min(offset + length, end)
    case .read(let part):
      isRead = true
      parts.append(part)
      prepared = offset + Int64(part.readableBytes)
    }
    self.read = read
    self.connection = connection
    self.allowance = allowance
    self.prepare = prepare
    self.report = report
  }

  /// The connection is closed.
  func cancel() {
    isOver = true
    release()
  }

  func proceed() {
    guard !isOver else { return }
    guard sent < end else { return finish(.ended) }
    if prepared < end, prepared - sent <= Self.partLength { prepareNext() }
    if sent < prepared { sendNext() }
  }

  private func prepareNext() {
    guard !isPreparing else { return }
    isPreparing = true
    let length = min(end - prepared, Self.partLength)
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    if isRead {
      read(prepared, length).whenComplete { result in
        let sender = bound.value
        if case .success(.success(let part)) = result { sender.parts.append(part) }
        sender.prepared(length, result.map { if case .failure(let error) = $0 { error } else { nil } })
      }
    } else {
      prepare(prepared, length).whenComplete { bound.value.prepared(length, $0) }
    }
  }

  private func prepared(_ length: Int64, _ result: Result<StoreError?, any Error>) {
    isPreparing = false
    switch result {
    case .success(nil):
      prepared += length
      proceed()
    case .success(let error): finish(.failed(error))
    case .failure: finish(.failed(nil))
    }
  }

  private func sendNext() {
    guard !isSending, !allowance.isWaiting else { return }
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    guard allowance.gather(1, then: { bound.value.proceed() }) else { return }
    isSending = true
    var length = min(prepared - sent, Self.regionLength, Int64(allowance.available))
    let written: EventLoopFuture<Void>
    if !isRead {
      let region = FileRegion(fileHandle: handle, readerIndex: Int(sent), endIndex: Int(sent + length))
      written = connection.send(region: region)
    } else {
      let bytes = nextBytes(Int(length))
      length = Int64(bytes.readableBytes)
      written = connection.send(bytes: bytes)
    }
    allowance.spend(Int(length))
    let stalled = connection.eventLoop.scheduleTask(in: Self.regionTimeout) { bound.value.finish(.failed(nil)) }
    written.whenComplete { [length] result in
      stalled.cancel()
      let sender = bound.value
      sender.isSending = false
      guard case .success = result else { return sender.finish(.failed(nil)) }
      sender.sent += length
      if !sender.isOver { sender.report(.sent(length)) }
      sender.proceed()
      sender.release()
    }
  }

  /// At most so many bytes of the first part.
  private func nextBytes(_ limit: Int) -> ByteBuffer {
    guard var part = parts.popFirst(), let bytes = part.readSlice(length: min(limit, part.readableBytes)) else {
      return ByteBuffer()
    }
    if part.readableBytes > 0 { parts.prepend(part) }
    return bytes
  }

  private func finish(_ step: Step) {
    guard !isOver else { return release() }
    isOver = true
    release()
    report(step)
  }

  /// The descriptor is in use while a region is sent.
  private func release() {
    if isOver { parts = [] }
    if isOver, !isSending, handle.isOpen { try? handle.close() }
  }
}
