// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import Synchronization
import WireProtocol

/// The file of a download and how much of it is verified. Outlives the sources that are tried.
final class Fetch: Sendable {
  let content: Content
  let file: PartialFile
  let draft: LayerDraft
  let target: DownloadTarget
  private let progress = Mutex<Int64>(0)

  /// Creates the file. Blocks.
  init(content: Content, target: DownloadTarget, catalogue: Catalogue) throws(StoreError) {
    self.content = content
    self.target = target
    draft = try catalogue.layers.draft(size: content.size)
    file = try PartialFile(target: target, size: content.size, catalogue: catalogue)
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

  /// Removes the file. Blocks.
  func discard() {
    file.abort()
  }

  /// Makes the file durable and gives it its name. Blocks.
  func commit(replacing: Bool, _ attributes: FileAttributes) throws(StoreError) -> HashedFile {
    if content.geometry.blockCount == 1 { try draft.put(content.root.bytes, from: 0) }
    let layer = try draft.finish()
    guard layer.content == content else {
      throw StoreError(.damagedLayer, target.path, "the hashes do not lead to the root")
    }
    let fingerprint = try file.commit(replacing: replacing, attributes)
    // Just written: a change within the same clock tick would leave the same time stamp.
    return HashedFile(path: target.pathWithoutLinks, layer: layer, fingerprint: fingerprint, isRacy: true)
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
