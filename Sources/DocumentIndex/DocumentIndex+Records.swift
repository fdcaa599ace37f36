// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Records: how they are added and dropped.
extension DocumentIndex {
  /// - Returns: whether the record is new.
  func place(_ document: Document, session: UInt32, complete: Bool) -> Bool {
    let (key, isNewKey) = keys.place(document.key.text, payload: .one(noSlot))
    if isNewKey { countKey(key) }
    let known = isNewKey ? nil : findEntry(underKey: key, document.content)
    let entry = known ?? makeEntry(key: key, document.content)
    let (title, isNewTitle) = retainTitle(document.title)
    if known != nil, let record = findRecord(of: session, entry) {
      replace(record, by: document, title: title, isNewTitle: isNewTitle, complete: complete)
      return false
    }
    let record = records.insert(
      Record(
        session: session, entry: entry, title: title, complete: complete, executable: document.executable,
        paysTitle: isNewTitle, modified: document.modified))
    link(record, to: session)
    if isNewTitle { charge(titleBytes(title), to: session) }
    entries[entry].records.append(record, in: &records)
    describe(entry)
    let source = sessions[session].source
    sources[source].recordCount += 1
    addHolder(source, of: entry, complete: complete)
    return true
  }

  /// Drops a record.
  func withdraw(_ record: UInt32) {
    let (entry, session) = (records[record].entry, records[record].session)
    let source = sessions[session].source
    removeHolder(source, of: entry, complete: records[record].complete)
    if sessions[session].isLive { sources[source].recordCount -= 1 }
    entries[entry].records.remove(record, in: &records)
    describe(entry)
    releaseTitle(of: record)
    unlink(record, from: session)
    records.remove(record)
    if entries[entry].records.isEmpty { dropEntry(entry) }
  }

  func findRecord(of session: UInt32, _ entry: UInt32) -> UInt32? {
    recordSlots.find(hash: SlotTable.hash(session, entry)) {
      records[$0].entry == entry && records[$0].session == session
    }
  }

  private func link(_ record: UInt32, to session: UInt32) {
    let newest = sessions[session].newestRecord
    records[record].previous = newest
    if newest != noSlot { records[newest].next = record }
    sessions[session].newestRecord = record
    recordSlots.insert(hash: SlotTable.hash(session, records[record].entry), slot: record)
    countRecord(1, of: session)
  }

  private func unlink(_ record: UInt32, from session: UInt32) {
    let (previous, next) = (records[record].previous, records[record].next)
    if previous != noSlot { records[previous].next = next }
    if next == noSlot { sessions[session].newestRecord = previous } else { records[next].previous = previous }
    recordSlots.remove(hash: SlotTable.hash(session, records[record].entry), slot: record)
    countRecord(-1, of: session)
  }

  private func replace(
    _ record: UInt32, by document: Document, title: UInt32, isNewTitle: Bool, complete: Bool
  ) {
    let entry = records[record].entry
    let previous = records[record]
    records[record].modified = document.modified
    records[record].executable = document.executable
    records[record].complete = complete
    if title == previous.title {
      // Retained once too often.
      titles[title]? -= 1
      describe(entry)
    } else {
      records[record].title = title
      describe(entry)
      records[record].title = previous.title
      releaseTitle(of: record)
      records[record].title = title
      records[record].paysTitle = isNewTitle
      if isNewTitle { charge(titleBytes(title), to: previous.session) }
    }
    guard previous.complete != complete else { return }
    let source = sessions[previous.session].source
    // Added before removed: the holder never disappears in between.
    addHolder(source, of: entry, complete: complete)
    removeHolder(source, of: entry, complete: previous.complete)
  }

  // MARK: Holders

  private func addHolder(_ source: UInt32, of entry: UInt32, complete: Bool) {
    let shared = contents[entries[entry].contentRow].shared
    if shared != noSlot {
      let before = sharedHolders[shared].holders.bytes
      _ = sharedHolders[shared].holders.insert(source, complete: complete)
      otherBytes += sharedHolders[shared].holders.bytes - before
    }
    let (wasListed, before) = (isListed(entry), entries[entry].holders.bytes)
    // Only then its place in the ranking changes.
    let isMoved = hasRivals(entry) && (!entries[entry].holders.contains(source) || complete && !wasListed)
    if isMoved { unrank(entry) }
    _ = entries[entry].holders.insert(source, complete: complete)
    if isMoved { rank(entry) }
    otherBytes += entries[entry].holders.bytes - before
    list(entry, unlike: wasListed)
    noteHolder(source, of: entry)
  }

  private func removeHolder(_ source: UInt32, of entry: UInt32, complete: Bool) {
    let shared = contents[entries[entry].contentRow].shared
    if shared != noSlot {
      let before = sharedHolders[shared].holders.bytes
      _ = sharedHolders[shared].holders.remove(source, complete: complete)
      otherBytes += sharedHolders[shared].holders.bytes - before
    }
    let (wasListed, before) = (isListed(entry), entries[entry].holders.bytes)
    let hasRivals = hasRivals(entry)
    if hasRivals { unrank(entry) }
    _ = entries[entry].holders.remove(source, complete: complete)
    if hasRivals { rank(entry) }
    otherBytes += entries[entry].holders.bytes - before
    list(entry, unlike: wasListed)
    noteHolder(source, of: entry)
  }

  // MARK: Words and titles

  /// As `redescribe`, and tells those who watch.
  private func describe(_ entry: UInt32) {
    let previous = description(of: entry)
    redescribe(entry)
    let now = description(of: entry)
    guard previous.title != noSlot, now.title != noSlot, previous != now else { return }
    noteDescription(of: entry, previousTitle: previous.title)
  }

  private func description(of entry: UInt32) -> (title: UInt32, modified: Timestamp, executable: Bool) {
    (entries[entry].title, entries[entry].modified, entries[entry].executable)
  }

  /// Gives an entry the title and time of its oldest record, and indexes it under the words of that title; under none if
  /// no record is left. Release titles only after this.
  private func redescribe(_ entry: UInt32) {
    let oldest = entries[entry].records.oldest
    let title = oldest == noSlot ? noSlot : records[oldest].title
    let previous = entries[entry].title
    if oldest != noSlot {
      let (modified, executable) = (records[oldest].modified, records[oldest].executable)
      if (title, modified, executable) != (previous, entries[entry].modified, entries[entry].executable) {
        lastEdition += 1
        entries[entry].edition = lastEdition
      }
      entries[entry].modified = modified
      entries[entry].executable = executable
    }
    guard title != previous else { return chargeEntry(entry, nil) }
    if previous != noSlot { words.remove(entry) }
    entries[entry].title = title
    guard title != noSlot else { return chargeEntry(entry, 0) }
    let key = keyBytes(of: entry)
    foldedWords.removeAll(keepingCapacity: true)
    WordQuery.fold(title: titles.text(title), key: key, hasCollection: false, into: &foldedWords)
    let bytes = words.insert(entry, under: foldedWords)
    chargeEntry(entry, Charges.entry + TextMemory.bytes(of: key) + bytes)
  }

  private func retainTitle(_ title: Title) -> (slot: UInt32, isNew: Bool) {
    let (slot, isNew) = titles.place(title.text, payload: 0)
    titles[slot]? += 1
    return (slot, isNew)
  }

  private func releaseTitle(of record: UInt32) {
    let slot = records[record].title
    if records[record].paysTitle { charge(-titleBytes(slot), to: records[record].session) }
    titles[slot]? -= 1
    if titles[slot] == 0 { titles.remove(slot) }
  }

  private func titleBytes(_ title: UInt32) -> Int {
    TextMemory.bytes(of: titles.text(title)) + Charges.title
  }
}

/// Sources: the addresses at which peers can be reached.
extension DocumentIndex {
  func joinSource(_ id: HolderID, session: UInt32, proven: Bool) {
    let source = sourceSlots[id] ?? makeSource(id, sessions[session])
    sources[source].sessions.append(session, in: &sessions)
    sessions[session].source = source
    // Unproven sessions of the same peer end when a proven one begins.
    if proven { sources[source].isProven = true }
  }

  /// The session is closed; its records are withdrawn later.
  func leaveSource(session: UInt32) {
    let source = sessions[session].source
    guard source != noSlot else { return }
    sources[source].sessions.remove(session, in: &sessions)
    sources[source].departing += 1
    sources[source].recordCount -= sessions[session].recordCount
    let oldest = sources[source].sessions.oldest
    guard oldest != noSlot else {
      sources[source].label = RawText()
      return hideSource(source)
    }
    sources[source].name = sessions[oldest].name
    sources[source].label = sessions[oldest].label
    sources[source].isLocal = sessions[oldest].isLocal
  }

  private func makeSource(_ id: HolderID, _ session: Session) -> UInt32 {
    let slot = sources.insert(
      Source(
        peer: id.peer, host: id.host, port: id.port, name: session.name, label: session.label,
        isLocal: session.isLocal))
    sourceSlots[id] = slot
    sourceOrder.insert(slot, at: sourceOrder.position { sources[$0].id < id })
    return slot
  }

  /// Nobody finds it any more; whoever claims the address gets another source.
  private func hideSource(_ slot: UInt32) {
    let id = sources[slot].id
    sourceOrder.remove(slot, at: sourceOrder.position { sources[$0].id < id })
    sourceSlots[id] = nil
  }

  /// All live sources that claim to be one of these peers.
  func sources(of peers: DigestPrefix) -> [UInt32] {
    var position = sourceOrder.position { sources[$0].peer.digest < peers.first }
    var found = [UInt32]()
    while let source = sourceOrder.next(&position), peers.contains(sources[source].peer.digest) {
      found.append(source)
    }
    return found
  }
}
