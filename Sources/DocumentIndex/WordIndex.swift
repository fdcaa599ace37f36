// SPDX-License-Identifier: Apache-2.0

/// Finds the elements that have a word with a given prefix.
struct WordIndex {
  /// The entries with one word: usually one or few, sometimes nearly all.
  private struct Postings {
    private var first: UInt32
    private var others: Set<UInt32> = []

    init(_ entry: UInt32) {
      first = entry
    }

    var count: Int { others.count + (first == noSlot ? 0 : 1) }

    mutating func insert(_ entry: UInt32) {
      guard entry != first else { return }
      if first == noSlot, others.isEmpty { first = entry } else { others.insert(entry) }
    }

    mutating func remove(_ entry: UInt32) {
      if entry == first { return first = noSlot }
      others.remove(entry)
      if others.capacity > 64, others.count * 8 < others.capacity {
        var kept = Set<UInt32>(minimumCapacity: others.count)
        kept.formUnion(others)
        others = kept
      }
    }

    func collect(into entries: inout [UInt32]) {
      if first != noSlot { entries.append(first) }
      entries.append(contentsOf: others)
    }
  }

  private var words = TextTable<String, Postings>()
  /// All words, in byte order.
  private var vocabulary = SortedBlocks<PrefixedSlot>()

  var wordCount: Int { words.count }

  /// Inserts an entry under all words of folded text.
  mutating func insert(_ entry: UInt32, under folded: [UInt8]) {
    WordFolding.forEachWord(in: folded) { word in
      if let slot = words.find(word) {
        words[slot]?.insert(entry)
      } else {
        let position = self.position(of: word)
        let slot = words.insert(String(decoding: word, as: UTF8.self), payload: Postings(entry))
        vocabulary.insert(PrefixedSlot(slot, text: word), at: position)
      }
      return true
    }
  }

  /// Removes an entry from the words under which it was inserted.
  mutating func remove(_ entry: UInt32, under folded: [UInt8]) {
    WordFolding.forEachWord(in: folded) { word in
      guard let slot = words.find(word) else { return true }
      words[slot]?.remove(entry)
      if words[slot]?.count == 0 {
        vocabulary.remove(PrefixedSlot(slot, text: word), at: position(of: word))
        words.remove(slot)
      }
      return true
    }
  }

  /// The entries that have a word with this prefix, each once; `nil` if there are more than `limit`: scanning the list then
  /// costs less.
  func entries(prefix: [UInt8], limit: Int) -> [UInt32]? {
    prefix.withUnsafeBytes { prefix in
      var position = self.position(of: prefix)
      var matching = [UInt32]()
      var total = 0
      while let word = vocabulary.next(&position)?.slot,
        ByteOrder.withBytes(of: words.text(word), { ByteOrder.hasPrefix($0, prefix) })
      {
        total += words[word]?.count ?? 0
        if total > limit { return nil }
        matching.append(word)
      }
      return entries(under: matching, total: total)
    }
  }

  private func entries(under matching: [UInt32], total: Int) -> [UInt32] {
    var entries = [UInt32]()
    entries.reserveCapacity(total)
    for word in matching { words[word]?.collect(into: &entries) }
    // Duplicates need several matching words.
    return matching.count > 1 ? Array(Set(entries)) : entries
  }

  private func position(of word: UnsafeRawBufferPointer) -> SortedBlocks<PrefixedSlot>.Position {
    let prefix = PrefixedSlot.prefix(of: word)
    return vocabulary.position { other in
      guard other.prefix == prefix else { return other.prefix < prefix }
      return ByteOrder.withBytes(of: words.text(other.slot)) { ByteOrder.compare($0, word) < 0 }
    }
  }
}
