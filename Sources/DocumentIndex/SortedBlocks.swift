// SPDX-License-Identifier: Apache-2.0

/// A sorted sequence in blocks of a few hundred elements: insertion and removal move one block, not the whole.
///
/// The order lives outside (the elements are slots, what they stand for is elsewhere), so every search takes a predicate
/// that is true for the elements before the place looked for and false for all others. A library's sorted set would
/// need elements that can be compared by themselves.
struct SortedBlocks<Element: Equatable> {
  struct Position {
    fileprivate var block: Int
    fileprivate var offset: Int
  }

  /// None is empty.
  private var blocks: [[Element]] = []
  private(set) var count = 0

  static var maxInBlock: Int { 256 }

  init() {}

  init(_ element: Element) {
    blocks = [[element]]
    count = 1
  }

  var start: Position { Position(block: 0, offset: 0) }

  /// The place of the first element that does not stand before; the end where all do.
  func position(after isBefore: (Element) -> Bool) -> Position {
    let block = max(0, Self.partition(blocks.count) { isBefore(blocks[$0][0]) } - 1)
    guard block < blocks.count else { return Position(block: block, offset: 0) }
    let elements = blocks[block]
    return Position(block: block, offset: Self.partition(elements.count) { isBefore(elements[$0]) })
  }

  /// `nil` at the end.
  subscript(position: Position) -> Element? {
    guard position.block < blocks.count else { return nil }
    if position.offset < blocks[position.block].count { return blocks[position.block][position.offset] }
    return position.block + 1 < blocks.count ? blocks[position.block + 1][0] : nil
  }

  /// The element there, or `nil` at the end; moves on.
  func next(_ position: inout Position) -> Element? {
    guard position.block < blocks.count else { return nil }
    if position.offset >= blocks[position.block].count {
      position = Position(block: position.block + 1, offset: 0)
      guard position.block < blocks.count else { return nil }
    }
    defer { position.offset += 1 }
    return blocks[position.block][position.offset]
  }

  /// Puts an element at the place that a search for it gave.
  mutating func insert(_ element: Element, at position: Position) {
    count += 1
    guard position.block < blocks.count else { return blocks.append([element]) }
    if blocks[position.block].count < Self.maxInBlock {
      return blocks[position.block].insert(element, at: position.offset)
    }
    if position.block + 1 == blocks.count, position.offset == Self.maxInBlock {
      // What comes in order, as numbered documents do, leaves full blocks behind.
      return blocks.append([element])
    }
    split(position.block)
    let half = Self.maxInBlock / 2
    if position.offset <= half {
      blocks[position.block].insert(element, at: position.offset)
    } else {
      blocks[position.block + 1].insert(element, at: position.offset - half)
    }
  }

  /// Takes an element out, if it is the one at the place that a search for it gave.
  @discardableResult
  mutating func remove(_ element: Element, at position: Position) -> Bool {
    var (block, offset) = (position.block, position.offset)
    if block < blocks.count, offset == blocks[block].count { (block, offset) = (block + 1, 0) }
    guard block < blocks.count, blocks[block][offset] == element else { return false }
    blocks[block].remove(at: offset)
    count -= 1
    mergeIfSmall(block)
    return true
  }

  private mutating func split(_ block: Int) {
    let half = Self.maxInBlock / 2
    let upper = Array(blocks[block][half...])
    blocks[block].removeLast(upper.count)
    blocks.insert(upper, at: block + 1)
  }

  private mutating func mergeIfSmall(_ block: Int) {
    let size = blocks[block].count
    if size == 0 {
      blocks.remove(at: block)
    } else if size < Self.maxInBlock / 4, block + 1 < blocks.count,
      size + blocks[block + 1].count <= Self.maxInBlock / 2
    {
      let following = blocks.remove(at: block + 1)
      blocks[block].append(contentsOf: following)
    }
  }

  /// The first of 0..<count for which it is false.
  private static func partition(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isBefore(middle) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
