// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import Synchronization
import WireProtocol

/// How much of a file is verified from its start on, while one source after the other fills it in order.
final class Fetch: Sendable {
  let content: Content
  let file: PieceFile
  private let progress: Mutex<Int64>

  init(_ file: PieceFile) {
    let content = file.content
    self.content = content
    self.file = file
    let missing = file.pieces.firstMissing().map { Int64($0) * content.geometry.pieceLength }
    progress = Mutex(min(missing ?? content.size, content.size))
  }

  /// Everything before this offset is verified and written.
  var verified: Int64 { progress.withLock { $0 } }

  /// - Returns: number of bytes gained.
  func advance(to offset: Int64) -> Int64 {
    progress.withLock { progress in
      defer { progress = max(progress, offset) }
      return max(offset - progress, 0)
    }
  }
}

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

/// Reports the progress of a download, about ten times a second.
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

  /// - Parameter received: all verified bytes of the download.
  func report(_ received: Int64) {
    transfer.verified(upTo: received)
    guard throttle.isDue() || received == size else { return }
    progress(DownloadProgress(received: received, size: size, peer: peer))
  }
}
