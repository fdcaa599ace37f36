// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NIOCore

/// Learns of holders: from look-ups, and from a watch at the index once a fetch takes longer.
extension ContentFetch {
  func askIndex() {
    let bound = NIOLoopBound(self, eventLoop: loop)
    // A short download needs no watch.
    if watch == nil, content.geometry.pieceCount > 1 {
      watch = Task { [loop, watch = context.watch] in
        await watch { news in loop.execute { bound.value.take(news) } }
      }
    }
    lookUp = Task { [loop, lookUp = context.lookUp] in
      let found = await lookUp()
      loop.execute { bound.value.take(found: found) }
    }
  }

  private func take(found: (holders: [Holder], total: Int)?) {
    guard result == nil else { return }
    if let found {
      note(found.holders)
      selection.add(found.holders, total: found.total, at: loop.now)
    } else {
      selection.lookUpFailed(at: loop.now)
    }
    proceed()
  }

  private func take(_ news: HolderWatches.News) {
    guard result == nil else { return }
    switch news {
    case .joined(let holder):
      guard context.admits(holder) else { return }
      note([holder])
      selection.joined(holder, at: loop.now)
    case .current: selection.watched(true)
    case .uncertain: selection.watched(false)
    }
    proceed()
  }

  /// Partial holders are downloads as well: with them the complete sources are divided.
  func note(_ holders: [Holder]) {
    let before = partialPeers.count
    for holder in holders where !holder.complete && partialPeers.count < Self.maxRanked {
      partialPeers.insert(holder.peer)
    }
    if partialPeers.count != before { picker.rank(context.identity.id, among: partialPeers) }
  }

  private static let maxRanked = 64
}
