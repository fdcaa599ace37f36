// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore

/// The socket of a plain channel, to write an answer at once and without a buffer of its own: nearly always the system takes
/// all of it, and the way through the channel costs more than the answer. For its event loop only.
///
/// As long as the channel has something to write, everything goes through it, so the order is kept.
final class DirectSocket {
  private let channel: any Channel
  private let descriptor: CInt
  /// Writes that the channel has not completed.
  private var pending = 0

  /// `nil` if the channel has no socket, as in tests.
  init?(of channel: any Channel) {
    var descriptor: CInt?
    try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      descriptor = $0
    }
    guard let descriptor else { return nil }
    self.channel = channel
    self.descriptor = descriptor
  }

  var isIdle: Bool { pending == 0 }

  /// - Returns: the number of bytes that the system has taken; the channel has to write the rest.
  func write(_ bytes: [UInt8]) -> Int {
    // Of a channel that is closed the descriptor may be somebody else's.
    guard isIdle, channel.isActive else { return 0 }
    return bytes.withUnsafeBytes { max(0, send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))) }
  }

  /// The channel is about to write.
  /// - Parameter promise: of the caller, kept when the write is completed.
  func waits(for promise: EventLoopPromise<Void>?, on eventLoop: any EventLoop) -> EventLoopPromise<Void> {
    pending += 1
    let written = promise ?? eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { _ in self.pending -= 1 }
    return written
  }
}
