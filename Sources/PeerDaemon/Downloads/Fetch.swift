// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Synchronization

/// A file in the making and how much of it is there. It outlives the sources that are tried for it.
final class Fetch: Sendable {
  let content: Content
  let file: PartialFile
  let draft: LayerDraft
  let target: DownloadTarget
  private let progress = Mutex<Int64>(0)

  /// Creates the file; blocks.
  init(content: Content, target: DownloadTarget, catalogue: Catalogue) throws(StoreError) {
    self.content = content
    self.target = target
    draft = try catalogue.layers.draft(size: content.size)
    file = try PartialFile(target: target, size: content.size, catalogue: catalogue)
  }

  /// All before this offset is verified and written.
  var verified: Int64 { progress.withLock { $0 } }

  /// - Returns: by how much.
  func advance(to offset: Int64) -> Int64 {
    progress.withLock { progress in
      defer { progress = max(progress, offset) }
      return max(offset - progress, 0)
    }
  }

  /// Removes what was fetched; blocks.
  func discard() {
    file.abort()
  }

  /// Makes the file durable and gives it its name; blocks.
  func commit(replacing: Bool) throws(StoreError) -> HashedFile {
    if content.geometry.blockCount == 1 { try draft.put(content.root.bytes, from: 0) }
    let layer = try draft.finish()
    guard layer.content == content else {
      throw StoreError(.damagedLayer, target.path, "its hashes do not lead to its root")
    }
    let fingerprint = try file.commit(replacing: replacing)
    // It was written a moment ago: a change within the same tick of the clock would not show.
    return HashedFile(path: target.currentPath, layer: layer, fingerprint: fingerprint, isRacy: true)
  }
}
