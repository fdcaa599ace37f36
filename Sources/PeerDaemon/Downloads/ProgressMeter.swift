// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import WireProtocol

/// Counts what one source gives, and lets about ten reports a second through.
final class ProgressMeter: Sendable {
  private static let interval = TimeAmount.milliseconds(100)

  private let size: Int64
  private let peer: String
  private let transfer: TransferHandle
  private let next = Mutex(NIODeadline.now())
  private let progress: @Sendable (DownloadProgress) -> Void

  init(
    size: Int64, peer: String, _ transfer: TransferHandle, _ progress: @escaping @Sendable (DownloadProgress) -> Void
  ) {
    self.size = size
    self.peer = peer
    self.transfer = transfer
    self.progress = progress
  }

  /// - Parameters:
  ///   - received: all that is verified.
  ///   - gained: what has come since the last report.
  func report(_ received: Int64, gained: Int64) {
    transfer.progress(gained)
    let now = NIODeadline.now()
    let isDue = next.withLock { next in
      guard now >= next || received == size else { return false }
      next = now + Self.interval
      return true
    }
    if isDue { progress(DownloadProgress(received: received, size: size, peer: peer)) }
  }
}
