// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Watches: who is told what, as records come and go.
///
/// The state that a watch is told, and the changes that follow, are those of the tables: what a closed session has left counts
/// until it is cleared away. So the changes always lead from the state that was told to the state as it is.
extension DocumentIndex {
  /// Begins a watch. Call `tell` until it returns true.
  /// - Parameter holderLimit: of a content, holders told at a time.
  package func watch(_ id: WatchID, _ subject: WatchSubject, holderLimit: Int) {
    var watch = WatchTable.Watch(subject: subject, holderLimit: holderLimit)
    if case .documents(let filter) = subject { watch.search = Self.search(filter, after: nil) }
    watches.insert(id, watch)
  }

  /// What a watch takes, in bytes.
  package static func bytes(of subject: WatchSubject) -> Int { WatchTable.bytes(of: subject) }

  package func unwatch(_ id: WatchID) {
    watches.remove(id)
  }

  package var watchCount: Int { watches.count }

  /// Whether there is something to take, be it only that watches were looked at.
  package var hasEvents: Bool { !events.isEmpty || watchesLookedAt > 0 }

  /// Whether a slice of work should end: to tell this many events, or to look at as many watches, takes some milliseconds.
  package var isCrowdedWithEvents: Bool {
    events.count >= Self.maxEventsOfSlice || watchesLookedAt >= Self.maxEventsOfSlice
  }
  private static var maxEventsOfSlice: Int { 4096 }

  /// What is to be told, in order; the owner of the index takes it after each call.
  package func takeEvents() -> [(watch: WatchID, event: IndexEvent)] {
    watchesLookedAt = 0
    guard !events.isEmpty else { return [] }
    defer { events = [] }
    return events
  }

  // MARK: The state as it is

  /// Tells a slice of the state.
  /// - Returns: whether all of it is told, or the watch has ended.
  package func tell(_ id: WatchID, using generator: inout some RandomNumberGenerator) -> Bool {
    guard let watch = watches[id] else { return true }
    switch watch.subject {
    case .content:
      guard !watch.isTold else { return true }
      tellHolders(id, watch, using: &generator)
    case .documents(let filter):
      guard var search = watch.search else { return true }
      watches[id]?.search = nil
      var found = ListRows()
      advance(&search, using: &generator, visitor: &found)
      for case .document(let row) in found.rows
      where filter.includes(title: row.document.title, key: row.document.key) {
        events.append((id, .document(.appeared, row.document, total: row.total)))
      }
      guard search.isComplete, search.next == nil else {
        watches[id]?.search = search.isComplete ? Self.search(filter, after: search.next) : search
        return false
      }
    }
    events.append((id, .current))
    return true
  }

  private func tellHolders(
    _ id: WatchID, _ watch: WatchTable.Watch, using generator: inout some RandomNumberGenerator
  ) {
    guard case .content(let content) = watch.subject else { return }
    var shown: [HolderID: Holder] = [:]
    holders(of: content).sample(watch.holderLimit, using: &generator) { source, complete in
      let holder = sources[source].holder(complete: complete)
      if let known = shown[holder.id], known.complete { return }
      shown[holder.id] = holder
    }
    watches[id]?.shown = shown
    watches[id]?.isTold = true
    for holder in shown.values { events.append((id, .holder(.joined, holder))) }
  }

  /// Rows per page.
  private static var pageLength: Int { 64 }

  private static func search(_ filter: WatchFilter, after position: ListPosition?) -> ListSearch {
    var search = ListSearch(filter.query, limit: pageLength, after: position)
    search.showsDeparted = true
    return search
  }

  // MARK: Documents

  /// An entry has come into the lists or is about to leave them.
  func note(isListed: Bool, _ entry: UInt32) {
    guard watches.watchesDocuments else { return }
    note(isListed ? .appeared : .gone, entry, previousTitle: nil)
  }

  /// Title or time of a listed entry have changed.
  /// - Parameter previousTitle: not yet released.
  func noteDescription(of entry: UInt32, previousTitle: UInt32) {
    guard watches.watchesDocuments, isListed(entry) else { return }
    note(.updated, entry, previousTitle: previousTitle == entries[entry].title ? nil : previousTitle)
  }

  /// - Parameter previousTitle: `nil` if it is as before.
  private func note(_ change: IndexEvent.DocumentChange, _ entry: UInt32, previousTitle: UInt32?) {
    let candidates = watches.candidates(
      keyBytes(of: entry), titleBytes(of: entry), previousTitle: previousTitle.map { titles.text($0) })
    guard !candidates.isEmpty else { return }
    watchesLookedAt += candidates.count
    let (key, title) = (key(of: entry), Title(known: titles.string(entries[entry].title)))
    let words = WordBeginnings(title: titleBytes(of: entry), key: keyBytes(of: entry))
    let previousWords = previousTitle.map { WordBeginnings(title: titles.text($0), key: keyBytes(of: entry)) }
    let document = Document(
      key: key, title: title, content: entries[entry].content, modified: entries[entry].modified,
      executable: entries[entry].executable)
    let total = entries[entry].holders.count
    for id in candidates {
      guard let watch = watches[id], case .documents(let filter) = watch.subject else { continue }
      // What is not told yet will be, as it is then.
      if let search = watch.search, !isPassed(entry, search.position) { continue }
      let isIncluded = filter.includes(words, key: key)
      let wasIncluded = previousWords.map { filter.includes($0, key: key) } ?? isIncluded
      switch (change, wasIncluded, isIncluded) {
      case (.updated, false, true): events.append((id, .document(.appeared, document, total: total)))
      case (.updated, true, false): events.append((id, .document(.gone, document, total: total)))
      case (_, _, true): events.append((id, .document(change, document, total: total)))
      case (_, _, false): break
      }
    }
  }

  // MARK: Holders

  /// A source may hold the content of an entry now, or no longer, or in another way.
  func noteHolder(_ source: UInt32, of entry: UInt32) {
    let content = entries[entry].content
    let watching = watches.watches(of: content)
    watchesLookedAt += watching.count
    for id in watching {
      guard let watch = watches[id], watch.isTold, !watch.isCrowded else { continue }
      guard holders(of: content).count <= watch.holderLimit else {
        watches[id]?.isCrowded = true
        events.append((id, .crowded))
        continue
      }
      let holder = sources[source].id
      tell(id, holder, is: self.holder(holder, of: content, or: source))
    }
  }

  /// Tells one of the changes that were too many to be told at once.
  /// - Returns: whether there may be more; false if the watch has ended.
  package func reconcile(_ id: WatchID) -> Bool {
    guard let watch = watches[id], watch.isCrowded, case .content(let content) = watch.subject else { return false }
    for (shown, holder) in watch.shown {
      let now = self.holder(shown, of: content, or: nil)
      guard now?.complete != holder.complete else { continue }
      tell(id, shown, is: now)
      return true
    }
    let holders = holders(of: content)
    if watch.shown.count < watch.holderLimit {
      for position in 0..<min(holders.count, Self.maxExamined) {
        let source = sources[holders[position]]
        guard source.isLive, watch.shown[source.id] == nil else { continue }
        tell(id, source.id, is: self.holder(source.id, of: content, or: nil))
        return true
      }
    }
    watches[id]?.isCrowded = false
    return false
  }

  /// More holders than this are not examined for one event.
  private static var maxExamined: Int { 512 }

  private func tell(_ id: WatchID, _ holder: HolderID, is now: Holder?) {
    guard let watch = watches[id] else { return }
    let shown = watch.shown[holder]
    if let shown, now == nil || shown.complete && now?.complete == false {
      watches[id]?.shown[holder] = nil
      events.append((id, .holder(.left, shown)))
    }
    guard let now else { return }
    switch shown?.complete {
    case false? where now.complete: events.append((id, .holder(.completed, now)))
    case true? where !now.complete: events.append((id, .holder(.joined, now)))
    case nil where watch.shown.count < watch.holderLimit: events.append((id, .holder(.joined, now)))
    default: return
    }
    watches[id]?.shown[holder] = now
  }

  private func holders(of content: Content) -> HolderSet {
    findContent(content).map { holders(ofContent: $0) } ?? HolderSet()
  }

  /// How a holder holds a content: the live source of its address, or another that had it.
  private func holder(_ id: HolderID, of content: Content, or other: UInt32?) -> Holder? {
    let holders = holders(of: content)
    let held = [sourceSlots[id], other].compactMap(\.self).filter(holders.contains)
    guard let source = held.first(where: holders.isComplete) ?? held.first else { return nil }
    return sources[source].holder(complete: holders.isComplete(source))
  }
}
