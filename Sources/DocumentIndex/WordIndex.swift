// SPDX-License-Identifier: Apache-2.0

/// Finds the elements that have a word with a given prefix.
///
/// Removing an element costs the same whatever its words: what the words say of it becomes stale, is skipped by searches,
/// and is swept out later, a bounded amount at a time.
struct WordIndex: ~Copyable {
  /// An element with a word; stale when the element has got another stamp.
  struct Posting: Equatable {
    var element: UInt32
    var stamp: UInt32
  }

  // Not private, as `TextTable.Row`.
  struct Word: SlabElement {
    var text: String
    var first: Posting
    var others: [Posting] = []

    var count: Int { others.count + 1 }

    /// Adds a posting, unless it is the newest: those of one element come one after another.
    /// - Returns: the capacity of the others before and after; `nil` if nothing is added.
    mutating func append(_ posting: Posting) -> (before: Int, after: Int)? {
      guard (others.last ?? first) != posting else { return nil }
      let before = others.capacity
      others.append(posting)
      return (before, others.capacity)
    }

    mutating func vacate() {
      text = ""
      others = []
    }
  }

  /// What is known of an element; its stamp changes each time it is inserted or removed.
  private struct Stamp {
    var stamp: UInt32 = 0
    var postings: UInt32 = 0
  }

  private var words = Slab<Word>()
  private var slots = SlotTable()
  /// All words, in byte order.
  private var vocabulary = SortedBlocks<PrefixedSlot>()
  /// By element.
  private var stamps: [Stamp] = []
  /// Words of the element that is being inserted.
  private var known: [UInt32] = []
  private var livePostings = 0
  private var stalePostings = 0
  /// Of long words and of words with several postings, in bytes.
  private var otherBytes = 0
  /// Where sweeping goes on: a word, and a posting in it. `nil` between two passes.
  private var sweeping: (word: UInt32, posting: Int)?

  /// Stale postings that are not worth a pass, beside a quarter of the others.
  private static let minStale = 4096

  var wordCount: Int { words.count }

  /// Memory in bytes.
  var bytes: Int {
    words.bytes + slots.bytes + vocabulary.bytes + stamps.capacity * MemoryLayout<Stamp>.stride + otherBytes
  }

  /// Inserts an element under all words of folded text.
  /// - Returns: the bytes that it takes, those of words that no other element has included.
  @discardableResult
  mutating func insert(_ element: UInt32, under folded: [UInt8]) -> Int {
    while stamps.count <= Int(element) { stamps.append(Stamp()) }
    stamps[Int(element)].stamp &+= 1
    let posting = Posting(element: element, stamp: stamps[Int(element)].stamp)
    var (count, bytes) = (0, 0)
    known.removeAll(keepingCapacity: true)
    WordFolding.forEachWord(in: folded) { word in
      let hash = slots.hash(of: word)
      if let slot = find(word, hash) {
        known.append(slot)
      } else {
        bytes += make(word, hash, posting)
        count += 1
      }
      return true
    }
    // Not while searching: processors then wait for the postings of several words at once.
    for slot in known where append(posting, to: slot) {
      bytes += Self.postingBytes
      count += 1
    }
    stamps[Int(element)].postings = UInt32(count)
    livePostings += count
    return bytes
  }

  /// Bytes of a word with its place in the table and in the vocabulary.
  private static let wordBytes = 72
  private static let postingBytes = 12

  // Inlined: a call for a part of what is being changed copies the whole.
  @inline(__always)
  private func find(_ word: UnsafeRawBufferPointer, _ hash: UInt32) -> UInt32? {
    slots.find(hash: hash) { ByteOrder.isEqual(words[$0].text, word) }
  }

  /// Makes a word that no element has had.
  /// - Returns: the bytes that it takes.
  private mutating func make(_ word: UnsafeRawBufferPointer, _ hash: UInt32, _ posting: Posting) -> Int {
    let prefix = PrefixedSlot.prefix(of: word)
    let position = vocabulary.positionForInsertion { isWord($0, before: word, prefix) }
    let text = String(decoding: word, as: UTF8.self)
    let slot = words.insert(Word(text: text, first: posting))
    slots.insert(hash: hash, slot: slot)
    vocabulary.insert(PrefixedSlot(slot, text: word), at: position)
    otherBytes += TextMemory.bytes(of: text)
    return Self.wordBytes + TextMemory.bytes(of: text)
  }

  /// - Returns: whether the word did not have the posting already.
  private mutating func append(_ posting: Posting, to word: UInt32) -> Bool {
    guard let capacity = words[word].append(posting) else { return false }
    if capacity.after != capacity.before { noteCapacity(from: capacity.before, to: capacity.after) }
    return true
  }

  private mutating func noteCapacity(from old: Int, to new: Int) {
    otherBytes += TextMemory.bytes(ofArray: new, stride: MemoryLayout<Posting>.stride)
    otherBytes -= TextMemory.bytes(ofArray: old, stride: MemoryLayout<Posting>.stride)
  }

  /// Removes an element.
  mutating func remove(_ element: UInt32) {
    guard Int(element) < stamps.count else { return }
    let count = Int(stamps[Int(element)].postings)
    stamps[Int(element)] = Stamp(stamp: stamps[Int(element)].stamp &+ 1)
    livePostings -= count
    stalePostings += count
  }

  /// Differs after each change of an element.
  func stamp(of element: UInt32) -> UInt32 { Int(element) < stamps.count ? stamps[Int(element)].stamp : 0 }

  private func isLive(_ posting: Posting) -> Bool { stamps[Int(posting.element)].stamp == posting.stamp }

  /// The elements that have a word with this prefix, each once; `nil` if there are more than `limit`: scanning the list then
  /// costs less.
  func elements(prefix: [UInt8], limit: Int) -> [UInt32]? {
    prefix.withUnsafeBytes { prefix in
      var position = self.position(of: prefix)
      var matching = [UInt32]()
      var total = 0
      while let word = vocabulary.next(&position)?.slot,
        ByteOrder.withBytes(of: words[word].text, { ByteOrder.hasPrefix($0, prefix) })
      {
        total += words[word].count
        if total > limit { return nil }
        matching.append(word)
      }
      return elements(under: matching, total: total)
    }
  }

  private func elements(under matching: [UInt32], total: Int) -> [UInt32] {
    var elements = [UInt32]()
    elements.reserveCapacity(total)
    for word in matching {
      if isLive(words[word].first) { elements.append(words[word].first.element) }
      for posting in words[word].others where isLive(posting) { elements.append(posting.element) }
    }
    // Duplicates need several matching words.
    return matching.count > 1 ? Array(Set(elements)) : elements
  }

  private func position(of word: UnsafeRawBufferPointer) -> SortedBlocks<PrefixedSlot>.Position {
    let prefix = PrefixedSlot.prefix(of: word)
    return vocabulary.position { isWord($0, before: word, prefix) }
  }

  private func isWord(_ other: PrefixedSlot, before word: UnsafeRawBufferPointer, _ prefix: UInt64) -> Bool {
    guard other.prefix == prefix else { return other.prefix < prefix }
    return ByteOrder.withBytes(of: words[other.slot].text) { ByteOrder.compare($0, word) < 0 }
  }
}

// MARK: Sweeping

extension WordIndex {
  /// Whether `sweep` has something to do.
  var needsSweep: Bool {
    sweeping != nil || stalePostings > 0 && (livePostings == 0 || stalePostings >= max(Self.minStale, livePostings / 4))
  }

  /// Dropping a word costs as much as looking at so many postings.
  private static var dropCost: Int { 64 }

  /// Sweeps out stale postings, and words that no element has.
  /// - Parameter work: maximum number of postings to look at, roughly.
  mutating func sweep(_ work: Int) {
    guard needsSweep else { return }
    var (word, posting) = sweeping ?? (0, 0)
    // A word and one of its postings, or nothing would be done.
    var left = max(work, 2)
    while left > 0, word < words.slotLimit {
      guard words.hasMemory(word) else {
        word = words.nextChunk(after: word)
        continue
      }
      left -= 1
      if words.isInitialized(word), !words[word].text.isEmpty, !sweep(word, &posting, &left) { break }
      if posting == 0 { word += 1 }
    }
    guard word >= words.slotLimit else { return sweeping = (word, posting) }
    sweeping = nil
    if livePostings == 0, stalePostings == 0 { stamps = [] }
  }

  /// - Returns: whether the word is done; otherwise `posting` is where it goes on.
  private mutating func sweep(_ word: UInt32, _ posting: inout Int, _ left: inout Int) -> Bool {
    let capacity = words[word].others.capacity
    while posting < words[word].others.count {
      guard left > 0 else { return false }
      left -= 1
      if isLive(words[word].others[posting]) {
        posting += 1
      } else {
        let last = words[word].others.removeLast()
        if posting < words[word].others.count { words[word].others[posting] = last }
        stalePostings -= 1
      }
    }
    posting = 0
    if !isLive(words[word].first) {
      stalePostings -= 1
      guard let other = words[word].others.popLast() else {
        drop(word)
        left -= Self.dropCost
        return true
      }
      words[word].first = other
    }
    if capacity > 8, words[word].others.count * 4 < capacity {
      words[word].others = words[word].others.withUnsafeBufferPointer { Array($0) }
    }
    if words[word].others.capacity != capacity { noteCapacity(from: capacity, to: words[word].others.capacity) }
    return true
  }

  private mutating func drop(_ word: UInt32) {
    let text = words[word].text
    noteCapacity(from: words[word].others.capacity, to: 0)
    ByteOrder.withBytes(of: text) { bytes in
      vocabulary.remove(PrefixedSlot(word, text: bytes), at: position(of: bytes))
      slots.remove(hash: slots.hash(of: bytes), slot: word)
    }
    otherBytes -= TextMemory.bytes(of: text)
    words.remove(word)
  }
}
