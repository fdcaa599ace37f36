// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import WireProtocol

/// Sends the progress of one `get`: what has changed, five times a second at most, and every second in any case.
final class ProgressReports: Sendable {
  private static let interval = Duration.milliseconds(200)
  /// Intervals without a change.
  private static let maxSilent = 5

  private enum Subject {
    case preparing(DownloadProgress)
    case transfer(Int64)
  }

  private let transfers: TransferRegistry
  private let subject = Mutex<Subject?>(nil)

  init(_ transfers: TransferRegistry) {
    self.transfers = transfers
  }

  /// There is no transfer yet.
  func preparing(_ progress: DownloadProgress) {
    subject.withLock { $0 = .preparing(progress) }
  }

  /// From now on the progress is that of this transfer.
  func began(_ transfer: Int64) {
    subject.withLock { $0 = .transfer(transfer) }
  }

  /// Sends to `events` until the task is cancelled.
  func send(to events: ControlEvents) async {
    var last: DownloadProgress?
    var silent = 0
    while !Task.isCancelled {
      silent += 1
      if let progress = current, progress != last || silent >= Self.maxSilent {
        events.offer(.progress(progress))
        (last, silent) = (progress, 0)
      }
      try? await Task.sleep(for: Self.interval)
    }
  }

  private var current: DownloadProgress? {
    switch subject.withLock({ $0 }) {
    case .preparing(let progress): progress
    case .transfer(let id): transfers.progress(of: id)
    case nil: nil
    }
  }
}
