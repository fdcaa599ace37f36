// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Records: how they are added and dropped.
extension DocumentIndex {
  /// - Returns: whether the record is new.
  mutating func place(_ document: Document, session: UInt32, complete: Bool) -> Bool {
    let entry = findEntry(document.key, document.content) ?? makeEntry(document.key, document.content)
    let title = retainTitle(document.title)
    if let record = sessions[session].records[entry] {
      replace(record, by: document, title: title, complete: complete)
      return false
    }
    let record = records.insert(
      Record(
        session: session, entry: entry, title: title, complete: complete, executable: document.executable,
        modified: document.modified))
    sessions[session].records[entry] = record
    entries[entry].records.append(record, in: &records)
    describe(entry)
    let source = sessions[session].source
    sources[source].recordCount += 1
    addHolder(source, of: entry, complete: complete)
    return true
  }

  /// Drops a record that is no longer in its session.
  mutating func withdraw(_ record: UInt32) {
    let entry = records[record].entry
    let source = sessions[records[record].session].source
    removeHolder(source, of: entry, complete: records[record].complete)
    sources[source].recordCount -= 1
    entries[entry].records.remove(record, in: &records)
    describe(entry)
    releaseTitle(records[record].title)
    records.remove(record)
    if entries[entry].records.isEmpty { dropEntry(entry) }
  }

  private mutating func replace(_ record: UInt32, by document: Document, title: UInt32, complete: Bool) {
    let entry = records[record].entry
    let previous = records[record]
    records[record].title = title
    records[record].modified = document.modified
    records[record].executable = document.executable
    records[record].complete = complete
    describe(entry)
    releaseTitle(previous.title)
    guard previous.complete != complete else { return }
    let source = sessions[previous.session].source
    // Added before removed: the holder never disappears in between.
    addHolder(source, of: entry, complete: complete)
    removeHolder(source, of: entry, complete: previous.complete)
  }

  // MARK: Holders

  private mutating func addHolder(_ source: UInt32, of entry: UInt32, complete: Bool) {
    _ = sharedHolders[entries[entry].contentRow]?.insert(source, complete: complete)
    let wasListed = isListed(entry)
    defer { list(entry, unlike: wasListed) }
    guard hasRivals(entry) else {
      _ = entries[entry].holders.insert(source, complete: complete)
      return
    }
    let isMoved = !entries[entry].holders.contains(source) || complete && !wasListed
    if isMoved { unrank(entry) }
    _ = entries[entry].holders.insert(source, complete: complete)
    if isMoved { rank(entry) }
  }

  private mutating func removeHolder(_ source: UInt32, of entry: UInt32, complete: Bool) {
    _ = sharedHolders[entries[entry].contentRow]?.remove(source, complete: complete)
    let wasListed = isListed(entry)
    defer { list(entry, unlike: wasListed) }
    guard hasRivals(entry) else {
      _ = entries[entry].holders.remove(source, complete: complete)
      return
    }
    unrank(entry)
    _ = entries[entry].holders.remove(source, complete: complete)
    rank(entry)
  }

  // MARK: Words and titles

  /// Gives an entry the title and time of its oldest record, and indexes it under the words of that title; under none if
  /// no record is left. Release titles only after this.
  private mutating func describe(_ entry: UInt32) {
    let oldest = entries[entry].records.oldest
    let title = oldest == noSlot ? noSlot : records[oldest].title
    if oldest != noSlot {
      entries[entry].modified = records[oldest].modified
      entries[entry].executable = records[oldest].executable
    }
    let previous = entries[entry].title
    guard title != previous else { return }
    let key = keys.text(entries[entry].key)
    if previous != noSlot {
      words.remove(entry, under: WordQuery.folded(title: titles.text(previous), key: key, hasCollection: false))
    }
    if title != noSlot {
      words.insert(entry, under: WordQuery.folded(title: titles.text(title), key: key, hasCollection: false))
    }
    entries[entry].title = title
  }

  private mutating func retainTitle(_ title: Title) -> UInt32 {
    guard let slot = titles.find(title.text) else { return titles.insert(title, payload: 1) }
    titles[slot]? += 1
    return slot
  }

  private mutating func releaseTitle(_ slot: UInt32) {
    titles[slot]? -= 1
    if titles[slot] == 0 { titles.remove(slot) }
  }
}

/// Sources: the addresses at which peers can be reached.
extension DocumentIndex {
  mutating func joinSource(_ id: HolderID, session: UInt32) {
    let name = sessions[session].name
    let source = sourceSlots[id] ?? makeSource(id, name: name)
    sources[source].name = name
    sources[source].sessions.append(session, in: &sessions)
    sessions[session].source = source
  }

  /// The session must have no records.
  mutating func leaveSource(session: UInt32) {
    let source = sessions[session].source
    guard source != noSlot else { return }
    sources[source].sessions.remove(session, in: &sessions)
    let newest = sources[source].sessions.newest
    if newest == noSlot {
      dropSource(source)
    } else {
      sources[source].name = sessions[newest].name
    }
  }

  private mutating func makeSource(_ id: HolderID, name: PeerName) -> UInt32 {
    let slot = sources.insert(Source(peer: id.peer, host: id.host, port: id.port, name: name))
    sourceSlots[id] = slot
    sourceOrder.insert(slot, at: sourceOrder.position { sources[$0].id < id })
    return slot
  }

  private mutating func dropSource(_ slot: UInt32) {
    let id = sources[slot].id
    sourceOrder.remove(slot, at: sourceOrder.position { sources[$0].id < id })
    sourceSlots[id] = nil
    sources.remove(slot)
  }

  /// All sources that claim to be one peer.
  func sources(of peer: PeerID) -> [UInt32] {
    var position = sourceOrder.position { sources[$0].peer < peer }
    var found = [UInt32]()
    while let source = sourceOrder.next(&position), sources[source].peer == peer { found.append(source) }
    return found
  }
}
