// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

extension DocumentIndex {
  /// How many holders of a content a look-up gives where nothing else is asked for.
  package static var defaultHolderLimit: Int { 50 }
  /// How many contents of a key a look-up gives where nothing else is asked for.
  package static var defaultContentLimit: Int { 16 }

  /// The contents under a key with those who have a record of that key; only those of one peer where it is given.
  package func lookup(
    key: DocumentKey, peer: PeerID? = nil, holderLimit: Int = defaultHolderLimit,
    contentLimit: Int = defaultContentLimit, using generator: inout some RandomNumberGenerator
  ) -> LookupResult {
    guard let slot = keys.find(key.text) else { return LookupResult(contents: [], more: 0) }
    var collector = LookupCollector()
    let more = visit(
      keySlot: slot, peer: peer, holderLimit: holderLimit, contentLimit: contentLimit, using: &generator,
      visitor: &collector)
    return collector.result(more: more ?? 0)
  }

  /// A content with those who hold it under any key, one per (peer, host, port); only those of one peer where it is
  /// given.
  package func lookup(
    content: Content, peer: PeerID? = nil, holderLimit: Int = defaultHolderLimit,
    using generator: inout some RandomNumberGenerator
  ) -> LookupResult {
    var collector = LookupCollector()
    _ = visit(content: content, peer: peer, holderLimit: holderLimit, using: &generator, visitor: &collector)
    return collector.result(more: 0)
  }

  /// As `lookup(key:)`, with the key as it came: what is not a valid key is simply not found. Returns how many contents
  /// are left out, `nil` where nothing is found (then nothing was visited).
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

  /// As `lookup(content:)`; false where nothing is found (then nothing was visited).
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

  /// All entries of a key, but only the holders among the given sources.
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

  /// One content with its holders, or only those among the given sources; false, and nothing visited, where there are
  /// none of these.
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
        modified: entries[entry].modified,
        total: holders.count))
    // Captures are listed here and above: otherwise all of the index would be captured, and every part of it retained.
    holders.sample(holderLimit, using: &generator) { [sources] source, complete in
      visitor.visit(sources[source].holder(complete: complete))
    }
  }
}

/// Makes arrays of what is visited.
private struct LookupCollector: LookupVisitor {
  private var contents: [ContentEntry] = []
  private var summary: ContentSummary?
  private var holders: [Holder] = []

  mutating func visit(_ content: ContentSummary) {
    finishContent()
    summary = content
  }

  mutating func visit(_ holder: Holder) {
    holders.append(holder)
  }

  mutating func result(more: Int) -> LookupResult {
    finishContent()
    return LookupResult(contents: contents, more: more)
  }

  private mutating func finishContent() {
    guard let summary else { return }
    contents.append(ContentEntry(summary: summary, holders: holders))
    self.summary = nil
    holders = []
  }
}
