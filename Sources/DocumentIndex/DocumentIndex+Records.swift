import DocumentModel

/// How a record comes and goes.
extension DocumentIndex {
  /// True where the record is new.
  mutating func place(_ document: Document, session: UInt32, complete: Bool) -> Bool {
    let entry = findEntry(document.key, document.content) ?? makeEntry(document.key, document.content)
    let title = retainTitle(document.title)
    if let record = sessions[session].records[entry] {
      replace(record, title: title, modified: document.modified, complete: complete)
      return false
    }
    let record = records.insert(
      Record(session: session, entry: entry, title: title, complete: complete, modified: document.modified))
    sessions[session].records[entry] = record
    entries[entry].records.append(record, in: &records)
    if entries[entry].records.oldest == record { indexWords(of: entry) }
    let source = sessions[session].source
    sources[source].recordCount += 1
    addHolder(source, of: entry, complete: complete)
    return true
  }

  /// Drops a record that its session has already let go.
  mutating func withdraw(_ record: UInt32) {
    let entry = records[record].entry
    let source = sessions[records[record].session].source
    removeHolder(source, of: entry, complete: records[record].complete)
    sources[source].recordCount -= 1
    let isOldest = entries[entry].records.oldest == record
    let isOnly = isOldest && entries[entry].records.newest == record
    let changesTitle = isOldest && (isOnly || records[records[record].newer].title != records[record].title)
    if changesTitle { unindexWords(of: entry) }
    entries[entry].records.remove(record, in: &records)
    releaseTitle(records[record].title)
    records.remove(record)
    if isOnly {
      dropEntry(entry)
    } else if changesTitle {
      indexWords(of: entry)
    }
  }

  private mutating func replace(_ record: UInt32, title: UInt32, modified: Timestamp, complete: Bool) {
    let entry = records[record].entry
    let previous = records[record]
    let changesTitle = previous.title != title && entries[entry].records.oldest == record
    if changesTitle { unindexWords(of: entry) }
    records[record].title = title
    records[record].modified = modified
    records[record].complete = complete
    if changesTitle { indexWords(of: entry) }
    releaseTitle(previous.title)
    guard previous.complete != complete else { return }
    let source = sessions[previous.session].source
    // Joining before leaving: the holder is never gone in between.
    addHolder(source, of: entry, complete: complete)
    removeHolder(source, of: entry, complete: previous.complete)
  }

  // MARK: Holders

  private mutating func addHolder(_ source: UInt32, of entry: UInt32, complete: Bool) {
    _ = sharedHolders[entries[entry].content]?.insert(source, complete: complete)
    guard hasRivals(entry) else {
      _ = entries[entry].holders.insert(source, complete: complete)
      return
    }
    let isNew = !entries[entry].holders.contains(source)
    if isNew { unrank(entry) }
    _ = entries[entry].holders.insert(source, complete: complete)
    if isNew { rank(entry) }
  }

  private mutating func removeHolder(_ source: UInt32, of entry: UInt32, complete: Bool) {
    _ = sharedHolders[entries[entry].content]?.remove(source, complete: complete)
    guard hasRivals(entry) else {
      _ = entries[entry].holders.remove(source, complete: complete)
      return
    }
    unrank(entry)
    _ = entries[entry].holders.remove(source, complete: complete)
    rank(entry)
  }

  // MARK: Words and titles

  private mutating func indexWords(of entry: UInt32) {
    words.insert(entry, title: title(of: entry), key: keys.text(entries[entry].key))
  }

  private mutating func unindexWords(of entry: UInt32) {
    words.remove(entry, title: title(of: entry), key: keys.text(entries[entry].key))
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
