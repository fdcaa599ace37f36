// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Entries: a content under a key, in every order in which they are found.
extension DocumentIndex {
  func findEntry(_ key: DocumentKey, _ content: Content) -> UInt32? {
    guard let key = keys.find(key.text) else { return nil }
    return findEntry(underKey: key, content)
  }

  func findEntry(underKey key: UInt32, _ content: Content) -> UInt32? {
    switch keys[key] {
    case .one(let entry): return entries[entry].content == content ? entry : nil
    case .many(let rivals):
      let found = rivals.byContent[position(of: content, in: rivals)]
      return found.flatMap { entries[$0.slot].content == content ? $0.slot : nil }
    case nil: return nil
    }
  }

  func findContent(_ content: Content) -> UInt32? {
    contentSlots.find(hash: contentSlots.hash(of: content)) {
      entries[contents[$0].entries.oldest].content == content
    }
  }

  /// Makes the entry of a new pair. It has no record until the caller adds one.
  func makeEntry(key: UInt32, _ content: Content) -> UInt32 {
    let row = findContent(content) ?? makeContent(content)
    let entry = entries.insert(Entry(content: content, key: key, contentRow: row))
    let other = contents[row].entries.oldest
    if other != noSlot, contents[row].shared == noSlot {
      contents[row].shared = sharedHolders.insert(SharedHolders(holders: entries[other].holders))
      otherBytes += entries[other].holders.bytes
    }
    contents[row].entries.append(entry, in: &entries)
    enterRanking(entry)
    return entry
  }

  /// Whether somebody has the whole content: only then lists show it.
  func isListed(_ entry: UInt32) -> Bool { entries[entry].holders.completeCount > 0 }

  /// Brings the order of lists in line with `isListed` after a change of holders.
  func list(_ entry: UInt32, unlike wasListed: Bool) {
    guard isListed(entry) != wasListed else { return }
    let ordered = prefixed(entry)
    if wasListed {
      entryOrder.remove(ordered, at: entryOrder.position { precedes($0, ordered) })
    } else {
      entryOrder.insert(ordered, at: entryOrder.positionForInsertion { precedes($0, ordered) })
    }
    note(isListed: !wasListed, entry)
  }

  /// Removes an entry without records.
  func dropEntry(_ entry: UInt32) {
    leaveRanking(entry)
    let row = entries[entry].contentRow
    contents[row].entries.remove(entry, in: &entries)
    otherBytes -= entries[entry].holders.bytes
    if contents[row].entries.isEmpty { dropContent(row, entries[entry].content) }
    entries.remove(entry)
  }

  /// Counts a new key for its collection.
  func countKey(_ key: UInt32) {
    let collection = Self.collection(of: keys.text(key))
    let (slot, isNew) = collections.place(collection, payload: 0)
    collections[slot]? += 1
    guard isNew else { return }
    var folded = [UInt8]()
    WordFolding.fold(collection, into: &folded)
    collectionWords.insert(slot, under: folded)
  }

  private func dropKey(_ key: UInt32) {
    defer { keys.remove(key) }
    guard let slot = collections.find(Self.collection(of: keys.text(key))) else { return }
    collections[slot]? -= 1
    guard collections[slot] == 0 else { return }
    collectionWords.remove(slot)
    collections.remove(slot)
  }

  private static func collection(of key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: key.prefix { $0 != UInt8(ascii: "/") })
  }

  private func makeContent(_ content: Content) -> UInt32 {
    let slot = contents.insert(ContentRow())
    contentSlots.insert(hash: contentSlots.hash(of: content), slot: slot)
    return slot
  }

  private func dropContent(_ slot: UInt32, _ content: Content) {
    contentSlots.remove(hash: contentSlots.hash(of: content), slot: slot)
    let shared = contents[slot].shared
    if shared != noSlot {
      otherBytes -= sharedHolders[shared].holders.bytes
      sharedHolders.remove(shared)
    }
    contents.remove(slot)
  }

  // MARK: Texts of an entry

  /// Where it is.
  func keyBytes(of entry: UInt32) -> UnsafeRawBufferPointer { keys.text(entries[entry].key) }

  /// Where it is.
  func titleBytes(of entry: UInt32) -> UnsafeRawBufferPointer { titles.text(entries[entry].title) }

  func key(of entry: UInt32) -> DocumentKey { DocumentKey(known: keys.string(entries[entry].key)) }

  // MARK: Order of lists

  private func prefixed(_ entry: UInt32) -> PrefixedSlot {
    PrefixedSlot(entry, text: keyBytes(of: entry))
  }

  private func precedes(_ left: PrefixedSlot, _ right: PrefixedSlot) -> Bool {
    left.prefix == right.prefix ? precedes(left.slot, right.slot) : left.prefix < right.prefix
  }

  func precedes(_ left: UInt32, _ right: UInt32) -> Bool {
    if entries[left].key == entries[right].key { return entries[left].content < entries[right].content }
    return ByteOrder.compare(keyBytes(of: left), keyBytes(of: right)) < 0
  }

  // MARK: Order under one key

  /// Whether the key of an entry has several contents.
  func hasRivals(_ entry: UInt32) -> Bool { rivals(entry) != nil }

  private func rivals(_ entry: UInt32) -> Rivals? {
    guard case .many(let rivals) = keys[entries[entry].key] else { return nil }
    return rivals
  }

  /// Inserts an entry where its number of holders belongs, after `unrank` and the change.
  func rank(_ entry: UInt32) {
    guard let rivals = rivals(entry) else { return }
    rivals.ranked.insert(entry, at: rivals.ranked.position { outranks($0, entry) })
  }

  /// Removes an entry from the ranking before its number of holders changes.
  func unrank(_ entry: UInt32) {
    guard let rivals = rivals(entry) else { return }
    rivals.ranked.remove(entry, at: rivals.ranked.position { outranks($0, entry) })
  }

  private func enterRanking(_ entry: UInt32) {
    let key = entries[entry].key
    switch keys[key] {
    case .one(noSlot), nil: keys[key] = .one(entry)
    case .one(let other):
      let rivals = Rivals()
      keys[key] = .many(rivals)
      otherBytes += rivals.bytes
      enter(other, rivals)
      enter(entry, rivals)
    case .many(let rivals): enter(entry, rivals)
    }
  }

  private func enter(_ entry: UInt32, _ rivals: Rivals) {
    let before = rivals.bytes
    rank(entry)
    rivals.byContent.insert(rooted(entry), at: position(of: entries[entry].content, in: rivals))
    otherBytes += rivals.bytes - before
  }

  private func leaveRanking(_ entry: UInt32) {
    let key = entries[entry].key
    guard case .many(let rivals) = keys[key] else { return dropKey(key) }
    let before = rivals.bytes
    unrank(entry)
    rivals.byContent.remove(rooted(entry), at: position(of: entries[entry].content, in: rivals))
    otherBytes += rivals.bytes - before
    if rivals.ranked.count == 1, let last = rivals.ranked[rivals.ranked.start] {
      keys[key] = .one(last)
      otherBytes -= rivals.bytes
    }
  }

  private func rooted(_ entry: UInt32) -> RootedSlot {
    RootedSlot(root: entries[entry].content.root.leadingWord, slot: entry)
  }

  /// The position of a content under a key, or of the next one.
  private func position(of content: Content, in rivals: Rivals) -> SortedBlocks<RootedSlot>.Position {
    let root = content.root.leadingWord
    return rivals.byContent.position { $0.root == root ? entries[$0.slot].content < content : $0.root < root }
  }

  /// The position behind a content under a key.
  func position(behind content: Content, in rivals: Rivals) -> SortedBlocks<RootedSlot>.Position {
    let root = content.root.leadingWord
    return rivals.byContent.position { $0.root == root ? !(content < entries[$0.slot].content) : $0.root < root }
  }

  /// The position of the first content under a key whose root is not less.
  func position(ofRoot root: Digest, in rivals: Rivals) -> SortedBlocks<RootedSlot>.Position {
    let leading = root.leadingWord
    return rivals.byContent.position {
      $0.root == leading ? entries[$0.slot].content.root < root : $0.root < leading
    }
  }

  private func outranks(_ left: UInt32, _ right: UInt32) -> Bool { standing(left) < standing(right) }

  func standing(_ entry: UInt32) -> Standing {
    Standing(
      isListed: isListed(entry), holders: entries[entry].holders.count, content: entries[entry].content)
  }
}

/// The place of a content among those under one key: those that somebody has as a whole first, then most-held first.
struct Standing: Comparable, Sendable {
  let isListed: Bool
  let holders: Int
  let content: Content

  static func < (left: Standing, right: Standing) -> Bool {
    guard left.isListed == right.isListed else { return left.isListed }
    return left.holders == right.holders ? left.content < right.content : left.holders > right.holders
  }
}
