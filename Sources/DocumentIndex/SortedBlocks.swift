// SPDX-License-Identifier: Apache-2.0

/// A sorted sequence in blocks of a few hundred elements: insertion and removal move one block, not the whole.
///
/// The order is outside: the elements are slots, and what they refer to is elsewhere. So every search takes a predicate
/// that is true for the elements before the wanted position and false for all others. The sorted sets of libraries need
/// elements that compare without context.
struct SortedBlocks<Element: Equatable>: ~Copyable {
  struct Position {
    fileprivate var block: Int
    fileprivate var offset: Int
  }

  /// None is empty.
  private var blocks: [[Element]] = []
  /// The first element of each block: a search looks into one block only.
  private var firsts: [Element] = []
  private(set) var count = 0
  /// Elements for which the blocks have memory.
  private var capacity = 0
  /// Behind the element that was inserted last.
  private var latest = Position(block: 0, offset: 0)

  static var maxInBlock: Int { 256 }

  init() {}

  init(_ element: Element) {
    append([element])
    count = 1
  }

  /// Memory in bytes.
  var bytes: Int { capacity * MemoryLayout<Element>.stride + blocks.count * 48 }

  var start: Position { Position(block: 0, offset: 0) }

  /// The position of the first element for which `isBefore` is false; the end if there is none.
  func position(after isBefore: (Element) -> Bool) -> Position {
    let block = max(0, Self.partition(firsts.count) { isBefore(firsts[$0]) } - 1)
    guard block < blocks.count else { return Position(block: block, offset: 0) }
    return Position(block: block, offset: Self.partition(blocks[block].count) { isBefore(blocks[block][$0]) })
  }

  /// The same for an element that is to be inserted. Looks behind the one that was inserted last before it searches:
  /// many arrive in order.
  func positionForInsertion(after isBefore: (Element) -> Bool) -> Position {
    isFirstAfter(latest, isBefore) ? latest : position(after: isBefore)
  }

  private func isFirstAfter(_ position: Position, _ isBefore: (Element) -> Bool) -> Bool {
    guard position.block < blocks.count, (1...blocks[position.block].count).contains(position.offset),
      isBefore(blocks[position.block][position.offset - 1])
    else { return false }
    return self[position].map { !isBefore($0) } ?? true
  }

  /// `nil` at the end.
  subscript(position: Position) -> Element? {
    guard position.block < blocks.count else { return nil }
    if position.offset < blocks[position.block].count { return blocks[position.block][position.offset] }
    return position.block + 1 < blocks.count ? blocks[position.block + 1][0] : nil
  }

  /// The element at a position, `nil` at the end. Advances the position.
  func next(_ position: inout Position) -> Element? {
    guard position.block < blocks.count else { return nil }
    if position.offset >= blocks[position.block].count {
      position = Position(block: position.block + 1, offset: 0)
      guard position.block < blocks.count else { return nil }
    }
    defer { position.offset += 1 }
    return blocks[position.block][position.offset]
  }

  /// The same, but `nil` from another position on.
  func next(_ position: inout Position, before end: Position) -> Element? {
    // The end of a block is the beginning of the next one.
    if position.block < blocks.count, position.offset >= blocks[position.block].count {
      position = Position(block: position.block + 1, offset: 0)
    }
    guard (position.block, position.offset) < (end.block, end.offset) else { return nil }
    return next(&position)
  }

  /// The number of elements from one position to another, which must not be before it.
  func distance(from start: Position, to end: Position) -> Int {
    guard start.block < end.block else { return max(0, end.offset - start.offset) }
    var count = blocks[start.block].count - start.offset + end.offset
    for block in start.block + 1..<end.block { count += blocks[block].count }
    return count
  }

  /// Inserts an element at the position that a search for it gave.
  mutating func insert(_ element: Element, at position: Position) {
    count += 1
    guard position.block < blocks.count else { return append([element]) }
    if blocks[position.block].count < Self.maxInBlock { return insert(element, position.block, position.offset) }
    if position.block + 1 == blocks.count, position.offset == Self.maxInBlock {
      // Elements that arrive in order, as numbered documents do, leave full blocks behind.
      return append([element])
    }
    split(position.block)
    let half = Self.maxInBlock / 2
    if position.offset <= half {
      insert(element, position.block, position.offset)
    } else {
      insert(element, position.block + 1, position.offset - half)
    }
  }

  private mutating func append(_ block: [Element]) {
    blocks.append(block)
    firsts.append(block[0])
    capacity += block.capacity
    latest = Position(block: blocks.count - 1, offset: block.count)
  }

  private mutating func insert(_ element: Element, _ block: Int, _ offset: Int) {
    capacity -= blocks[block].capacity
    blocks[block].insert(element, at: offset)
    capacity += blocks[block].capacity
    if offset == 0 { firsts[block] = element }
    latest = Position(block: block, offset: offset + 1)
  }

  /// Removes an element, if it is at the position that a search for it gave.
  @discardableResult
  mutating func remove(_ element: Element, at position: Position) -> Bool {
    var (block, offset) = (position.block, position.offset)
    if block < blocks.count, offset == blocks[block].count { (block, offset) = (block + 1, 0) }
    guard block < blocks.count, blocks[block][offset] == element else { return false }
    blocks[block].remove(at: offset)
    count -= 1
    if offset == 0, let first = blocks[block].first { firsts[block] = first }
    mergeIfSmall(block)
    return true
  }

  private mutating func split(_ block: Int) {
    let half = Self.maxInBlock / 2
    let upper = Array(blocks[block][half...])
    capacity += upper.capacity - blocks[block].capacity
    blocks[block].removeLast(upper.count)
    capacity += blocks[block].capacity
    blocks.insert(upper, at: block + 1)
    firsts.insert(upper[0], at: block + 1)
  }

  private mutating func mergeIfSmall(_ block: Int) {
    let size = blocks[block].count
    if size == 0 {
      capacity -= blocks[block].capacity
      blocks.remove(at: block)
      firsts.remove(at: block)
    } else if size < Self.maxInBlock / 4, block + 1 < blocks.count,
      size + blocks[block + 1].count <= Self.maxInBlock / 2
    {
      let following = blocks.remove(at: block + 1)
      firsts.remove(at: block + 1)
      capacity -= following.capacity + blocks[block].capacity
      blocks[block].append(contentsOf: following)
      capacity += blocks[block].capacity
    }
  }

  /// The first of 0..<count for which `isBefore` is false.
  private static func partition(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isBefore(middle) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// A slot and the first bytes of its element's text: they settle most comparisons in a sorted sequence without looking up
/// the element.
struct PrefixedSlot: Equatable {
  /// The first eight bytes, big-endian, padded with zeros.
  let prefix: UInt64
  let slot: UInt32

  init(_ slot: UInt32, text: UnsafeRawBufferPointer) {
    self.slot = slot
    prefix = Self.prefix(of: text)
  }

  /// Less than another if the text is less; equal if only the whole texts tell.
  static func prefix(of text: UnsafeRawBufferPointer) -> UInt64 {
    if text.count >= 8 { return UInt64(bigEndian: text.loadUnaligned(as: UInt64.self)) }
    var prefix: UInt64 = 0
    for byte in text { prefix = prefix << 8 | UInt64(byte) }
    return prefix << (8 * UInt64(8 - text.count))
  }

  static func == (left: PrefixedSlot, right: PrefixedSlot) -> Bool { left.slot == right.slot }
}
