// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import WireProtocol

/// Lets one report through per 100 ms. Called from any thread.
final class Throttle: Sendable {
  private static let interval = TimeAmount.milliseconds(100)

  private let next = Mutex(NIODeadline.now())

  /// Whether to report now; if so, the next report is due after the interval.
  func isDue() -> Bool {
    let now = NIODeadline.now()
    return next.withLock { next in
      guard now >= next else { return false }
      next = now + Self.interval
      return true
    }
  }
}

/// Counts what one source sends, and reports it about ten times a second.
final class ProgressMeter: Sendable {
  private let size: Int64
  private let peer: String
  private let transfer: TransferHandle
  private let throttle = Throttle()
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
  ///   - received: all verified bytes.
  ///   - gained: bytes since the last report.
  func report(_ received: Int64, gained: Int64) {
    transfer.progress(gained)
    guard throttle.isDue() || received == size else { return }
    progress(DownloadProgress(received: received, size: size, peer: peer))
  }
}
