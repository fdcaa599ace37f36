// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Entries: a content under a key, in every order in which they are found.
extension DocumentIndex {
  func findEntry(_ key: DocumentKey, _ content: Content) -> UInt32? {
    guard let key = keys.find(key.text) else { return nil }
    if case .one(let entry) = keys[key] { return entries[entry].content == content ? entry : nil }
    return rivalSlots.find(hash: Self.hash(key, content)) {
      entries[$0].key == key && entries[$0].content == content
    }
  }

  func findContent(_ content: Content) -> UInt32? {
    contentSlots.find(hash: SlotTable.hash(of: content)) {
      entries[contents[$0].entries.oldest].content == content
    }
  }

  /// Makes the entry of a new pair. It has no record until the caller adds one.
  mutating func makeEntry(_ key: DocumentKey, _ content: Content) -> UInt32 {
    let row = findContent(content) ?? makeContent(content)
    let key = keys.find(key.text) ?? makeKey(key)
    let entry = entries.insert(Entry(content: content, key: key, contentRow: row))
    let other = contents[row].entries.oldest
    if other != noSlot, sharedHolders[row] == nil { sharedHolders[row] = entries[other].holders }
    contents[row].entries.append(entry, in: &entries)
    enterRanking(entry)
    return entry
  }

  /// Whether somebody has the whole content: only then lists show it.
  func isListed(_ entry: UInt32) -> Bool { entries[entry].holders.completeCount > 0 }

  /// Brings the order of lists in line with `isListed` after a change of holders.
  mutating func list(_ entry: UInt32, unlike wasListed: Bool) {
    guard isListed(entry) != wasListed else { return }
    let ordered = prefixed(entry)
    let position = entryOrder.position { precedes($0, ordered) }
    if wasListed { entryOrder.remove(ordered, at: position) } else { entryOrder.insert(ordered, at: position) }
  }

  /// Removes an entry without records.
  mutating func dropEntry(_ entry: UInt32) {
    leaveRanking(entry)
    let row = entries[entry].contentRow
    contents[row].entries.remove(entry, in: &entries)
    if contents[row].entries.isEmpty { dropContent(row, entries[entry].content) }
    entries.remove(entry)
  }

  private mutating func makeKey(_ key: DocumentKey) -> UInt32 {
    let collection = String(key.collection)
    if let slot = collections.find(collection) {
      collections[slot]? += 1
    } else {
      let slot = collections.insert(collection, payload: 1)
      collectionWords.insert(slot, under: Self.folded(collection: collection))
    }
    return keys.insert(key, payload: .one(noSlot))
  }

  private mutating func dropKey(_ key: UInt32) {
    let collection = String(keys.text(key).collection)
    keys.remove(key)
    guard let slot = collections.find(collection) else { return }
    collections[slot]? -= 1
    guard collections[slot] == 0 else { return }
    collectionWords.remove(slot, under: Self.folded(collection: collection))
    collections.remove(slot)
  }

  private static func folded(collection: String) -> [UInt8] {
    var folded = [UInt8]()
    ByteOrder.withBytes(of: collection) { WordFolding.fold($0, into: &folded) }
    return folded
  }

  private mutating func makeContent(_ content: Content) -> UInt32 {
    let slot = contents.insert(ContentRow())
    contentSlots.insert(hash: SlotTable.hash(of: content), slot: slot)
    return slot
  }

  private mutating func dropContent(_ slot: UInt32, _ content: Content) {
    contentSlots.remove(hash: SlotTable.hash(of: content), slot: slot)
    sharedHolders[slot] = nil
    contents.remove(slot)
  }

  private static func hash(_ key: UInt32, _ content: Content) -> UInt32 {
    var hasher = Hasher()
    hasher.combine(key)
    hasher.combine(content)
    return UInt32(truncatingIfNeeded: hasher.finalize())
  }

  // MARK: Texts of an entry

  func key(of entry: UInt32) -> DocumentKey { keys.text(entries[entry].key) }

  func title(of entry: UInt32) -> Title { titles.text(entries[entry].title) }

  // MARK: Order of lists

  private func prefixed(_ entry: UInt32) -> PrefixedSlot {
    ByteOrder.withBytes(of: key(of: entry).text) { PrefixedSlot(entry, text: $0) }
  }

  private func precedes(_ left: PrefixedSlot, _ right: PrefixedSlot) -> Bool {
    left.prefix == right.prefix ? precedes(left.slot, right.slot) : left.prefix < right.prefix
  }

  func precedes(_ left: UInt32, _ right: UInt32) -> Bool {
    if entries[left].key == entries[right].key { return entries[left].content < entries[right].content }
    return ByteOrder.compare(key(of: left).text, key(of: right).text) < 0
  }

  // MARK: Order under one key

  /// Whether the key of an entry has several contents.
  func hasRivals(_ entry: UInt32) -> Bool {
    guard case .many = keys[entries[entry].key] else { return false }
    return true
  }

  /// Inserts an entry where its number of holders belongs, after `unrank` and the change.
  mutating func rank(_ entry: UInt32) {
    changeRanking(entry) { index, ranking in
      ranking.insert(entry, at: ranking.position { index.outranks($0, entry) })
    }
  }

  /// Removes an entry from the ranking before its number of holders changes.
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
      noteRival(other)
      noteRival(entry)
      rank(entry)
    case .many:
      noteRival(entry)
      rank(entry)
    }
  }

  private mutating func leaveRanking(_ entry: UInt32) {
    let key = entries[entry].key
    guard case .many = keys[key] else { return dropKey(key) }
    unrank(entry)
    forgetRival(entry)
    if case .many(let ranking) = keys[key], ranking.count == 1, let last = ranking[ranking.start] {
      keys[key] = .one(last)
      forgetRival(last)
    }
  }

  private mutating func noteRival(_ entry: UInt32) {
    rivalSlots.insert(hash: Self.hash(entries[entry].key, entries[entry].content), slot: entry)
  }

  private mutating func forgetRival(_ entry: UInt32) {
    rivalSlots.remove(hash: Self.hash(entries[entry].key, entries[entry].content), slot: entry)
  }

  /// Moves the ranking out of its table while it changes: a second reference would copy it.
  private mutating func changeRanking(_ entry: UInt32, _ change: (Self, inout SortedBlocks<UInt32>) -> Void) {
    let key = entries[entry].key
    guard case .many(var ranking) = keys[key] else { return }
    keys[key] = .one(noSlot)
    change(self, &ranking)
    keys[key] = .many(ranking)
  }

  private func outranks(_ left: UInt32, _ right: UInt32) -> Bool {
    guard isListed(left) == isListed(right) else { return isListed(left) }
    let (leftCount, rightCount) = (entries[left].holders.count, entries[right].holders.count)
    return leftCount == rightCount ? entries[left].content < entries[right].content : leftCount > rightCount
  }
}
