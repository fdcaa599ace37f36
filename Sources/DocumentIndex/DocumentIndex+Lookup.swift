// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

extension DocumentIndex {
  /// Maximum number of holders of a content, unless the caller says otherwise.
  package static var defaultHolderLimit: Int { 50 }
  /// Maximum number of contents of a key, unless the caller says otherwise.
  package static var defaultContentLimit: Int { 16 }

  /// Visits the contents under a key, most-held first, each with the holders that have a record of that key.
  ///
  /// - Parameters:
  ///   - key: as it arrived; an invalid key is not found.
  ///   - peer: visit only the holders that are this peer.
  /// - Returns: the number of contents left out; `nil` if there are none, and nothing was visited.
  package func visit(
    key: Span<UInt8>, peer: PeerID? = nil, holderLimit: Int = defaultHolderLimit,
    contentLimit: Int = defaultContentLimit, using generator: inout some RandomNumberGenerator,
    visitor: inout some LookupVisitor
  ) -> Int? {
    guard let slot = key.withUnsafeBytes({ [keys] bytes in keys.find(bytes) }) else { return nil }
    return visit(
      keySlot: slot, peer: peer, holderLimit: holderLimit, contentLimit: contentLimit, using: &generator,
      visitor: &visitor)
  }

  /// Visits a content with its holders under any key, one per (peer, host, port).
  ///
  /// - Parameter peer: visit only the holders that are this peer.
  /// - Returns: false if there are none, and nothing was visited.
  package func visit(
    content: Content, peer: PeerID? = nil, holderLimit: Int = defaultHolderLimit,
    using generator: inout some RandomNumberGenerator, visitor: inout some LookupVisitor
  ) -> Bool {
    guard let slot = findContent(content) else { return false }
    let entry = contents[slot].entries.oldest
    if let shared = sharedHolders[slot] {
      return visit(
        entry, shared, of: peer.map { sources(of: $0) }, holderLimit: holderLimit, using: &generator, visitor: &visitor)
    }
    return visit(
      entry, entries[entry].holders, of: peer.map { sources(of: $0) }, holderLimit: holderLimit, using: &generator,
      visitor: &visitor)
  }

  private func visit(
    keySlot: UInt32, peer: PeerID?, holderLimit: Int, contentLimit: Int,
    using generator: inout some RandomNumberGenerator, visitor: inout some LookupVisitor
  ) -> Int? {
    guard let ranking = keys[keySlot] else { return nil }
    if let peer {
      return visit(
        ranking, of: sources(of: peer), holderLimit: holderLimit, contentLimit: contentLimit, using: &generator,
        visitor: &visitor)
    }
    switch ranking {
    case .one(let entry):
      visit(entry, entries[entry].holders, holderLimit: holderLimit, using: &generator, visitor: &visitor)
    case .many(let ranked):
      var position = ranked.start
      for _ in 0..<max(0, contentLimit) {
        guard let entry = ranked.next(&position) else { break }
        visit(entry, entries[entry].holders, holderLimit: holderLimit, using: &generator, visitor: &visitor)
      }
    }
    return max(0, ranking.count - contentLimit)
  }

  /// Visits the entries of a key with those holders that are among the given sources.
  private func visit(
    _ ranking: Ranking, of peers: [UInt32], holderLimit: Int, contentLimit: Int,
    using generator: inout some RandomNumberGenerator, visitor: inout some LookupVisitor
  ) -> Int? {
    guard !peers.isEmpty else { return nil }
    let ranked =
      switch ranking {
      case .one(let entry): SortedBlocks(entry)
      case .many(let ranked): ranked
      }
    var (found, position) = (0, ranked.start)
    while let entry = ranked.next(&position) {
      let holders = entries[entry].holders
      if found < contentLimit {
        let isHeld = visit(
          entry, holders, of: peers, holderLimit: holderLimit, using: &generator, visitor: &visitor)
        found += isHeld ? 1 : 0
      } else if peers.contains(where: holders.contains) {
        found += 1
      }
    }
    return found == 0 ? nil : max(0, found - contentLimit)
  }

  /// Visits one content with its holders, or with those among the given sources.
  /// - Returns: false if there are none of these, and nothing was visited.
  private func visit(
    _ entry: UInt32, _ holders: HolderSet, of peers: [UInt32]?, holderLimit: Int,
    using generator: inout some RandomNumberGenerator, visitor: inout some LookupVisitor
  ) -> Bool {
    guard let peers else {
      visit(entry, holders, holderLimit: holderLimit, using: &generator, visitor: &visitor)
      return true
    }
    var chosen = HolderSet()
    for source in peers where holders.contains(source) {
      _ = chosen.insert(source, complete: holders.isComplete(source))
    }
    guard !chosen.isEmpty else { return false }
    visit(entry, chosen, holderLimit: holderLimit, using: &generator, visitor: &visitor)
    return true
  }

  private func visit(
    _ entry: UInt32, _ holders: HolderSet, holderLimit: Int, using generator: inout some RandomNumberGenerator,
    visitor: inout some LookupVisitor
  ) {
    visitor.visit(
      ContentSummary(
        key: key(of: entry), content: entries[entry].content, title: title(of: entry),
        modified: entries[entry].modified, executable: entries[entry].executable,
        total: holders.count))
    // Without the lists of captures here and above, every part of the index would be captured and retained.
    holders.sample(holderLimit, using: &generator) { [sources] source, complete in
      visitor.visit(sources[source].holder(complete: complete))
    }
  }
}
