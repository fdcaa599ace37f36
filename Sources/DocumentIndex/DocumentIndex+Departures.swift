// SPDX-License-Identifier: Apache-2.0

/// What closed sessions leave behind. Readers pass over it; it is cleared away in slices, because a session may have a
/// million records.
extension DocumentIndex {
  /// Whether `clear` has something to do.
  package var needsClearing: Bool { !isSettled || words.needsSweep || collectionWords.needsSweep }

  /// Whether all records are of live sessions: readers need not look.
  package var isSettled: Bool { departing.isEmpty }

  /// Withdraws records of closed sessions and sweeps the words.
  /// - Parameter work: the amount, in records; each takes a few microseconds at most. Less is done if watchers have much to
  ///   be told.
  package func clear(_ work: Int) {
    var left = work
    while left > 0, let session = departing.last {
      guard !isCrowdedWithEvents else { return }
      left -= 1
      guard sessions[session].newestRecord != noSlot else {
        departing.removeLast()
        finish(session)
        continue
      }
      departingRecords -= 1
      withdraw(sessions[session].newestRecord)
    }
    guard left > 0 else { return }
    words.sweep(left * Self.postingsPerRecord)
    collectionWords.sweep(left)
  }

  /// Looking at a posting costs so much less than withdrawing a record.
  private static var postingsPerRecord: Int { 32 }

  /// Forgets a closed session without records.
  func finish(_ session: UInt32) {
    let source = sessions[session].source
    if source != noSlot {
      sources[source].departing -= 1
      if sources[source].departing == 0, !sources[source].isLive { sources.remove(source) }
    }
    charge(-sessions[session].bytes, to: session)
    leaveAccount(sessions[session].account)
    sessions.remove(session)
  }

  // MARK: Holders, while records of closed sessions remain

  /// More holders than this are not counted one by one.
  private static var maxCounted: Int { 4096 }
  /// More keys of one content than this are not checked one by one.
  private static var maxKeys: Int { 256 }

  /// The holders of an entry that live.
  func liveHolders(of entry: UInt32) -> HolderSet {
    live(entries[entry].holders) { claim(of: $0, on: entry) }
  }

  /// The holders of a content, under any key, that live.
  func liveHolders(ofContent row: UInt32) -> HolderSet {
    let shared = contents[row].shared
    guard shared != noSlot else { return liveHolders(of: contents[row].entries.oldest) }
    return live(sharedHolders[shared].holders) { source in
      var (entry, checked, isHeld) = (contents[row].entries.oldest, 0, false)
      while entry != noSlot, checked < Self.maxKeys {
        if let isComplete = claim(of: source, on: entry) {
          if isComplete { return true }
          isHeld = true
        }
        entry = entries[entry].newer
        checked += 1
      }
      return isHeld || entry != noSlot ? false : nil
    }
  }

  /// Whether lists show an entry.
  func isShown(_ entry: UInt32) -> Bool {
    let holders = entries[entry].holders
    for position in 0..<holders.completeCount {
      let source = holders[position]
      guard sources[source].isLive else { continue }
      if sources[source].departing == 0 || claim(of: source, on: entry) == true { return true }
    }
    return false
  }

  /// Whether a live session of a source has a record of an entry: `nil` if not, otherwise whether it is complete.
  private func claim(of source: UInt32, on entry: UInt32) -> Bool? {
    var (session, found) = (sources[source].sessions.oldest, Bool?.none)
    while session != noSlot {
      if let record = findRecord(of: session, entry) {
        if records[record].complete { return true }
        found = false
      }
      session = sessions[session].newer
    }
    return found
  }

  /// Those of a set that live; of a large set all if there are few, and the number remains that of the set.
  private func live(_ holders: HolderSet, _ claim: (UInt32) -> Bool?) -> HolderSet {
    var (complete, partial) = ([UInt32](), [UInt32]())
    for position in 0..<holders.count {
      if position >= Self.maxCounted, complete.count + partial.count >= Self.defaultHolderLimit {
        return HolderSet(complete: complete, partial: partial, uncounted: holders.count - position)
      }
      let source = holders[position]
      guard sources[source].isLive else { continue }
      let isComplete = sources[source].departing == 0 ? position < holders.completeCount : claim(source)
      switch isComplete {
      case true?: complete.append(source)
      case false?: partial.append(source)
      case nil: break
      }
    }
    return HolderSet(complete: complete, partial: partial)
  }

  /// The oldest record of an entry whose session lives; the oldest of all if there is none.
  func oldestLiveRecord(of entry: UInt32) -> UInt32 {
    let oldest = entries[entry].records.oldest
    var record = oldest
    while record != noSlot, !sessions[records[record].session].isLive { record = records[record].newer }
    return record == noSlot ? oldest : record
  }

  /// The key under which a content has been longest, as far as one is among the first keys.
  func oldestLiveEntry(of row: UInt32) -> UInt32 {
    let oldest = contents[row].entries.oldest
    var (entry, checked) = (oldest, 0)
    while entry != noSlot, checked < Self.maxKeys {
      if sessions[records[oldestLiveRecord(of: entry)].session].isLive { return entry }
      entry = entries[entry].newer
      checked += 1
    }
    return oldest
  }
}
