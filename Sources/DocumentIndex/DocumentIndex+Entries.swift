import DocumentModel

/// Entries: a content under a key, in all the orders in which they are found.
extension DocumentIndex {
  func findEntry(_ key: DocumentKey, _ content: Content) -> UInt32? {
    guard let key = keys.find(key.text), let content = findContent(content) else { return nil }
    return entrySlots.find(hash: Self.hash(key, content)) {
      entries[$0].key == key && entries[$0].content == content
    }
  }

  func findContent(_ content: Content) -> UInt32? {
    contentSlots.find(hash: SlotTable.hash(of: content)) { contents[$0].content == content }
  }

  /// Enters a pair that is not there yet. It has no record until the caller adds one.
  mutating func makeEntry(_ key: DocumentKey, _ content: Content) -> UInt32 {
    let contentSlot = findContent(content) ?? makeContent(content)
    let keySlot = keys.find(key.text) ?? keys.insert(key, payload: .one(noSlot))
    let entry = entries.insert(Entry(key: keySlot, content: contentSlot))
    entrySlots.insert(hash: Self.hash(keySlot, contentSlot), slot: entry)
    let other = contents[contentSlot].entries.oldest
    if other != noSlot, sharedHolders[contentSlot] == nil { sharedHolders[contentSlot] = entries[other].holders }
    contents[contentSlot].entries.append(entry, in: &entries)
    enterRanking(entry)
    let position = entryOrder.position { precedes($0, entry) }
    entryOrder.insert(entry, at: position)
    return entry
  }

  /// Removes an entry that has no record any more.
  mutating func dropEntry(_ entry: UInt32) {
    let position = entryOrder.position { precedes($0, entry) }
    entryOrder.remove(entry, at: position)
    leaveRanking(entry)
    let (key, content) = (entries[entry].key, entries[entry].content)
    entrySlots.remove(hash: Self.hash(key, content), slot: entry)
    contents[content].entries.remove(entry, in: &entries)
    if contents[content].entries.isEmpty { dropContent(content) }
    entries.remove(entry)
  }

  private mutating func makeContent(_ content: Content) -> UInt32 {
    let slot = contents.insert(ContentRow(content: content))
    contentSlots.insert(hash: SlotTable.hash(of: content), slot: slot)
    return slot
  }

  private mutating func dropContent(_ slot: UInt32) {
    contentSlots.remove(hash: SlotTable.hash(of: contents[slot].content), slot: slot)
    sharedHolders[slot] = nil
    contents.remove(slot)
  }

  private static func hash(_ key: UInt32, _ content: UInt32) -> UInt32 {
    SlotTable.hash(of: UInt64(key) << 32 | UInt64(content))
  }

  // MARK: What an entry says

  func key(of entry: UInt32) -> DocumentKey { keys.text(entries[entry].key) }

  func content(of entry: UInt32) -> Content { contents[entries[entry].content].content }

  func title(of entry: UInt32) -> Title { titles.text(records[entries[entry].records.oldest].title) }

  func modified(of entry: UInt32) -> Timestamp { records[entries[entry].records.oldest].modified }

  // MARK: Order of lists

  func precedes(_ left: UInt32, _ right: UInt32) -> Bool {
    if entries[left].key == entries[right].key { return content(of: left) < content(of: right) }
    return ByteOrder.compare(key(of: left).text, key(of: right).text) < 0
  }

  // MARK: Order under one key

  /// Whether the key of an entry has others.
  func hasRivals(_ entry: UInt32) -> Bool {
    guard case .many = keys[entries[entry].key] else { return false }
    return true
  }

  /// Puts an entry where its number of holders belongs, after it was taken out by `unrank` and changed.
  mutating func rank(_ entry: UInt32) {
    changeRanking(entry) { index, ranking in
      ranking.insert(entry, at: ranking.position { index.outranks($0, entry) })
    }
  }

  /// Takes an entry out before its number of holders changes.
  mutating func unrank(_ entry: UInt32) {
    changeRanking(entry) { index, ranking in
      ranking.remove(entry, at: ranking.position { index.outranks($0, entry) })
    }
  }

  private mutating func enterRanking(_ entry: UInt32) {
    let key = entries[entry].key
    switch keys[key] {
    case .one(noSlot), nil: keys[key] = .one(entry)
    case .one(let other):
      keys[key] = .many(SortedBlocks(other))
      rank(entry)
    case .many: rank(entry)
    }
  }

  private mutating func leaveRanking(_ entry: UInt32) {
    let key = entries[entry].key
    guard case .many = keys[key] else { return keys.remove(key) }
    unrank(entry)
    if case .many(let ranking) = keys[key], ranking.count == 1, let last = ranking[ranking.start] {
      keys[key] = .one(last)
    }
  }

  /// The ranking is out of its place while it is changed, so that it is changed where it stands and not copied.
  private mutating func changeRanking(_ entry: UInt32, _ change: (Self, inout SortedBlocks<UInt32>) -> Void) {
    let key = entries[entry].key
    guard case .many(var ranking) = keys[key] else { return }
    keys[key] = .one(noSlot)
    change(self, &ranking)
    keys[key] = .many(ranking)
  }

  private func outranks(_ left: UInt32, _ right: UInt32) -> Bool {
    let (leftCount, rightCount) = (entries[left].holders.count, entries[right].holders.count)
    return leftCount == rightCount ? content(of: left) < content(of: right) : leftCount > rightCount
  }
}
