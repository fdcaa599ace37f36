// SPDX-License-Identifier: Apache-2.0

import ContentStore
import LineTransport
import NIOCore
import NIOPosix

/// Sends a long body from a file, by sendfile(2). While one part is sent, the next is checked and read into the page cache
/// on a thread: a change of the file is detected, and the event loop never waits for the disk.
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

  /// Checks and reads in a part.
  typealias Prepare = (_ offset: Int64, _ length: Int64) -> EventLoopFuture<StoreError?>

  private let connection: any LineConnection
  private let allowance: RateAllowance
  private let handle: NIOFileHandle
  private let end: Int64
  private let prepare: Prepare
  private let report: (Step) -> Void
  private var sent: Int64
  /// Up to where the file may be sent.
  private var prepared: Int64
  private var isPreparing = false
  private var isSending = false
  private var isOver = false

  /// - Parameters:
  ///   - descriptor: of its own.
  ///   - prepared: up to where the file is checked and read in.
  init(
    descriptor: CInt, from offset: Int64, to end: Int64, prepared: Int64, on connection: any LineConnection,
    allowance: RateAllowance, prepare: @escaping Prepare, report: @escaping (Step) -> Void
  ) {
    handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
    sent = offset
    self.end = end
    self.prepared = min(prepared, end)
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
    prepare(prepared, length).whenComplete { result in
      let sender = bound.value
      sender.isPreparing = false
      switch result {
      case .success(nil):
        sender.prepared += length
        sender.proceed()
      case .success(let error): sender.finish(.failed(error))
      case .failure: sender.finish(.failed(nil))
      }
    }
  }

  private func sendNext() {
    guard !isSending, !allowance.isWaiting else { return }
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    guard allowance.gather(1, then: { bound.value.proceed() }) else { return }
    isSending = true
    let length = min(prepared - sent, Self.regionLength, Int64(allowance.available))
    allowance.spend(Int(length))
    let region = FileRegion(fileHandle: handle, readerIndex: Int(sent), endIndex: Int(sent + length))
    let stalled = connection.eventLoop.scheduleTask(in: Self.regionTimeout) { bound.value.finish(.failed(nil)) }
    connection.send(region: region).whenComplete { result in
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

  private func finish(_ step: Step) {
    guard !isOver else { return release() }
    isOver = true
    release()
    report(step)
  }

  /// The descriptor is in use while a region is sent.
  private func release() {
    if isOver, !isSending, handle.isOpen { try? handle.close() }
  }
}
