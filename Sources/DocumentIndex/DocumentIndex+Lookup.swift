// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What a look-up by key found.
package enum LookupOutcome: Equatable, Sendable {
  /// Nothing was visited.
  case nothing
  /// - Parameter more: the number of contents left out.
  case found(more: Int)
  /// Nothing was visited: so many contents take longer than others should wait. A `LookupSearch` finds the answer.
  case tooMany
}

extension DocumentIndex {
  /// Maximum number of holders of a content, unless the caller says otherwise.
  package static var defaultHolderLimit: Int { 50 }
  /// Maximum number of contents of a key, unless the caller says otherwise.
  package static var defaultContentLimit: Int { 16 }
  /// While records of closed sessions remain, more contents than this are looked at in slices.
  private static var maxUnsettled: Int { 64 }

  /// Visits the contents under a key, most-held first, each with the holders that have a record of that key.
  ///
  /// - Parameter key: as it arrived; an invalid key is not found.
  package func visit(
    key: UnsafeRawBufferPointer, holderLimit: Int = defaultHolderLimit, contentLimit: Int = defaultContentLimit,
    using generator: inout some RandomNumberGenerator, visitor: inout some LookupVisitor
  ) -> LookupOutcome {
    guard let slot = keys.find(key), let ranking = keys[slot] else { return .nothing }
    guard isSettled else {
      return visitLive(ranking, holderLimit, contentLimit, using: &generator, visitor: &visitor)
    }
    switch ranking {
    case .one(let entry):
      visitSettled(entry, holderLimit, using: &generator, visitor: &visitor)
    case .many(let rivals):
      var position = rivals.ranked.start
      for _ in 0..<max(0, contentLimit) {
        guard let entry = rivals.ranked.next(&position) else { break }
        visitSettled(entry, holderLimit, using: &generator, visitor: &visitor)
      }
    }
    return .found(more: max(0, ranking.count - contentLimit))
  }

  /// Visits a content with its holders under any key, one per (peer, host, port).
  ///
  /// - Parameter peers: visit only the holders that are one of these.
  /// - Returns: false if there are none, and nothing was visited.
  package func visit(
    content: Content, peers: DigestPrefix? = nil, holderLimit: Int = defaultHolderLimit,
    using generator: inout some RandomNumberGenerator, visitor: inout some LookupVisitor
  ) -> Bool {
    guard let slot = findContent(content) else { return false }
    var entry = contents[slot].entries.oldest
    if isSettled, peers == nil {
      visit(entry, holders(ofContent: slot), holderLimit, using: &generator, visitor: &visitor)
      return true
    }
    var holders = isSettled ? self.holders(ofContent: slot) : liveHolders(ofContent: slot)
    if let peers { holders = restrict(holders, to: peers, sources(of: peers)) }
    guard !holders.isEmpty else { return false }
    if !isSettled { entry = oldestLiveEntry(of: slot) }
    visit(entry, holders, holderLimit, using: &generator, visitor: &visitor)
    return true
  }

  /// The same while records of closed sessions remain.
  private func visitLive(
    _ ranking: Ranking, _ holderLimit: Int, _ contentLimit: Int,
    using generator: inout some RandomNumberGenerator, visitor: inout some LookupVisitor
  ) -> LookupOutcome {
    var found = [(standing: Standing, entry: UInt32, holders: HolderSet)]()
    switch ranking {
    case .one(let entry):
      let holders = liveHolders(of: entry)
      if !holders.isEmpty { found = [(standing(entry), entry, holders)] }
    case .many(let rivals):
      guard rivals.ranked.count <= Self.maxUnsettled else { return .tooMany }
      var position = rivals.ranked.start
      while let entry = rivals.ranked.next(&position) {
        let holders = liveHolders(of: entry)
        if !holders.isEmpty { found.append((standing(entry, holders), entry, holders)) }
      }
      found.sort { $0.standing < $1.standing }
    }
    guard !found.isEmpty else { return .nothing }
    for (_, entry, holders) in found.prefix(contentLimit) {
      visit(entry, holders, holderLimit, using: &generator, visitor: &visitor)
    }
    return .found(more: max(0, found.count - contentLimit))
  }

  // MARK: Parts

  func standing(_ entry: UInt32, _ holders: HolderSet) -> Standing {
    Standing(isListed: holders.completeCount > 0, holders: holders.total, content: entries[entry].content)
  }

  /// Under any key.
  func holders(ofContent row: UInt32) -> HolderSet {
    let shared = contents[row].shared
    return shared == noSlot ? entries[contents[row].entries.oldest].holders : sharedHolders[shared].holders
  }

  /// - Parameter known: the sources of these peers.
  func restrict(_ holders: HolderSet, to peers: DigestPrefix, _ known: [UInt32]) -> HolderSet {
    var (complete, partial) = ([UInt32](), [UInt32]())
    if isSettled, known.count < holders.count {
      for source in known where holders.contains(source) {
        if holders.isComplete(source) { complete.append(source) } else { partial.append(source) }
      }
    } else {
      for position in 0..<holders.count where peers.contains(sources[holders[position]].peer.digest) {
        if position < holders.completeCount {
          complete.append(holders[position])
        } else {
          partial.append(holders[position])
        }
      }
    }
    return HolderSet(complete: complete, partial: partial)
  }

  func visit(
    _ entry: UInt32, _ holders: HolderSet, _ holderLimit: Int, using generator: inout some RandomNumberGenerator,
    visitor: inout some LookupVisitor
  ) {
    let record = isSettled ? entries[entry].records.oldest : oldestLiveRecord(of: entry)
    let facts = ContentFacts(
      content: entries[entry].content, modified: records[record].modified, executable: records[record].executable,
      total: holders.total)
    visitor.visit(facts, key: keyBytes(of: entry), title: titles.text(records[record].title))
    holders.sample(holderLimit, using: &generator) { source, complete in
      Self.visit(sources, source, complete, &visitor)
    }
  }

  /// As the tables have it. Nothing is copied and no reference counted: other threads read the same.
  func visitSettled(
    _ entry: UInt32, _ holderLimit: Int, using generator: inout some RandomNumberGenerator,
    visitor: inout some LookupVisitor
  ) {
    let facts = ContentFacts(
      content: entries[entry].content, modified: entries[entry].modified, executable: entries[entry].executable,
      total: entries[entry].holders.count, edition: entries[entry].edition)
    visitor.visit(facts, key: keyBytes(of: entry), title: titleBytes(of: entry))
    // A call with several would count references to the set.
    if let (source, complete) = entries[entry].holders.only, holderLimit > 0 {
      return Self.visit(sources, source, complete, &visitor)
    }
    entries[entry].holders.sample(holderLimit, using: &generator) { source, complete in
      Self.visit(sources, source, complete, &visitor)
    }
  }

  private static func visit(
    _ sources: borrowing Slab<Source>, _ source: UInt32, _ complete: Bool, _ visitor: inout some LookupVisitor
  ) {
    let label = sources[source].label
    if visitor.visit(label: label.bytes, isLocal: sources[source].isLocal, complete: complete) { return }
    visitor.visit(sources[source].holder(complete: complete))
  }
}
