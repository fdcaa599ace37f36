// SPDX-License-Identifier: Apache-2.0

/// The sources that offer one content: each once, whatever the number of records that claim it; complete ones first.
///
/// Inserting, removing and picking by position take constant time: removing moves the last member into the gap. Most sets
/// are small and most sources have one claim, so the parts that only others need stay empty.
struct HolderSet {
  /// The number of records of one source that claim the content.
  private struct Claims {
    var complete: UInt32
    var partial: UInt32

    mutating func change(complete isComplete: Bool, by difference: Int32) {
      if isComplete {
        complete = UInt32(truncatingIfNeeded: Int64(complete) + Int64(difference))
      } else {
        partial = UInt32(truncatingIfNeeded: Int64(partial) + Int64(difference))
      }
    }
  }

  /// Source slots, the complete ones before the others.
  private var members = SlotList()
  var completeCount: Int { Int(complete) }
  private var complete: UInt32 = 0
  /// Others that are not among the members, of a set for sampling.
  private var uncounted: UInt32 = 0
  /// The position of each member; empty while there are few enough to search.
  private var positions: [UInt32: UInt32] = [:]
  /// Sources with more than one claim.
  private var repeated: [UInt32: Claims] = [:]

  private static let maxSearched = 16

  init() {}

  /// For sampling only.
  init(complete: [UInt32], partial: [UInt32], uncounted: Int = 0) {
    members = SlotList(complete + partial)
    self.complete = UInt32(clamping: complete.count)
    self.uncounted = UInt32(clamping: uncounted)
  }

  /// Memory beside the set itself, in bytes.
  var bytes: Int {
    guard members.capacity > 1 else { return repeated.isEmpty ? 0 : Self.bytes(ofTable: repeated.capacity, stride: 12) }
    return TextMemory.bytes(ofArray: members.capacity - 1, stride: 4)
      + Self.bytes(ofTable: positions.capacity, stride: 8) + Self.bytes(ofTable: repeated.capacity, stride: 12)
  }

  /// Dictionaries are filled up to three quarters.
  private static func bytes(ofTable capacity: Int, stride: Int) -> Int {
    capacity == 0 ? 0 : TextMemory.bytes(ofArray: capacity * 4 / 3, stride: stride) + 32
  }

  var count: Int { members.count }
  /// With those that are not among the members.
  var total: Int { members.count + Int(uncounted) }
  var isEmpty: Bool { members.isEmpty }

  func contains(_ source: UInt32) -> Bool { position(of: source) != nil }

  /// Complete ones first, otherwise in no order.
  subscript(position: Int) -> UInt32 { members[position] }

  /// Whether a member has the whole content.
  func isComplete(_ source: UInt32) -> Bool {
    position(of: source).map { $0 < completeCount } ?? false
  }

  /// - Returns: whether the source is a new member.
  mutating func insert(_ source: UInt32, complete: Bool) -> Bool {
    guard let position = position(of: source) else {
      append(source)
      if complete { promote(members.count - 1) }
      return true
    }
    let wasComplete = position < completeCount
    var claims = repeated[source] ?? Claims(complete: wasComplete ? 1 : 0, partial: wasComplete ? 0 : 1)
    claims.change(complete: complete, by: 1)
    repeated[source] = claims
    if complete, !wasComplete { promote(position) }
    return false
  }

  /// Takes back one claim.
  /// - Returns: whether it was the last claim of that source.
  mutating func remove(_ source: UInt32, complete: Bool) -> Bool {
    guard let position = position(of: source) else { return false }
    if var claims = repeated[source] {
      claims.change(complete: complete, by: -1)
      repeated[source] = claims.complete + claims.partial > 1 ? claims : nil
      if claims.complete == 0, position < completeCount { demote(position) }
      return false
    }
    let last = position < completeCount ? demote(position) : position
    swap(last, members.count - 1)
    members.removeLast()
    if !positions.isEmpty { positions[source] = nil }
    shrink()
    return true
  }

  /// The member of a set that has one.
  @inline(__always)
  var only: (source: UInt32, complete: Bool)? {
    members.count == 1 ? (members[0], completeCount == 1) : nil
  }

  /// Calls `body` with at most `limit` members, complete ones first. Beyond the limit, each member has the same chance.
  func sample(
    _ limit: Int, using generator: inout some RandomNumberGenerator,
    _ body: (_ source: UInt32, _ complete: Bool) -> Void
  ) {
    if let (source, isComplete) = only, limit > 0 { return body(source, isComplete) }
    let complete = min(limit, completeCount)
    pick(complete, from: 0..<completeCount, using: &generator) { body($0, true) }
    let partial = min(limit - complete, members.count - completeCount)
    pick(partial, from: completeCount..<members.count, using: &generator) { body($0, false) }
  }

  /// Picks one member of each of `wanted` equal stretches, starting at a random position: no memory, no repetition, and
  /// clients that take the first of a short list do not all take the same.
  private func pick(
    _ wanted: Int, from range: Range<Int>, using generator: inout some RandomNumberGenerator, _ body: (UInt32) -> Void
  ) {
    guard wanted > 0 else { return }
    let rotation = range.count > 1 ? Self.number(below: range.count, using: &generator) : 0
    for number in 0..<wanted {
      let stretch = number * range.count / wanted..<(number + 1) * range.count / wanted
      let chosen = stretch.lowerBound + (stretch.count > 1 ? Self.number(below: stretch.count, using: &generator) : 0)
      body(members[range.lowerBound + (rotation + chosen) % range.count])
    }
  }

  /// Scaled instead of by rejection: a bias of count / 2^64 does not matter, and one random number is enough.
  private static func number(below count: Int, using generator: inout some RandomNumberGenerator) -> Int {
    Int(truncatingIfNeeded: generator.next().multipliedFullWidth(by: UInt64(count)).high)
  }

  // MARK: Positions

  private func position(of source: UInt32) -> Int? {
    positions.isEmpty ? members.firstIndex(of: source) : positions[source].map { Int($0) }
  }

  private mutating func append(_ source: UInt32) {
    members.append(source)
    if !positions.isEmpty {
      positions[source] = UInt32(members.count - 1)
    } else if members.count > Self.maxSearched {
      notePositions()
    }
  }

  private mutating func notePositions() {
    positions = Dictionary(minimumCapacity: members.count)
    for position in 0..<members.count { positions[members[position]] = UInt32(position) }
  }

  /// Moves a member from the partial to the complete ones.
  private mutating func promote(_ position: Int) {
    swap(position, completeCount)
    complete += 1
  }

  /// Moves a member from the complete to the partial ones; returns its new position.
  @discardableResult
  private mutating func demote(_ position: Int) -> Int {
    complete -= 1
    swap(position, completeCount)
    return completeCount
  }

  private mutating func swap(_ left: Int, _ right: Int) {
    guard left != right else { return }
    members.swapAt(left, right)
    guard !positions.isEmpty else { return }
    positions[members[left]] = UInt32(left)
    positions[members[right]] = UInt32(right)
  }

  /// Gives memory back after many removals.
  private mutating func shrink() {
    guard members.capacity > 4 * Self.maxSearched, members.count * 4 < members.capacity else { return }
    members.shrink()
    if members.count > Self.maxSearched { notePositions() } else { positions = [:] }
  }
}

/// A list of slots that stores the first one inline: most lists have one, and need no memory elsewhere.
struct SlotList {
  private var first = noSlot
  private var others: [UInt32] = []

  init() {}

  init(_ slots: [UInt32]) {
    first = slots.first ?? noSlot
    others = Array(slots.dropFirst())
  }

  var isEmpty: Bool { first == noSlot }
  var count: Int { isEmpty ? 0 : others.count + 1 }
  /// The number of slots that fit without more memory.
  var capacity: Int { others.capacity + 1 }

  subscript(position: Int) -> UInt32 {
    get { position == 0 ? first : others[position - 1] }
    set { if position == 0 { first = newValue } else { others[position - 1] = newValue } }
  }

  func firstIndex(of slot: UInt32) -> Int? {
    if first == slot { return 0 }
    return others.firstIndex(of: slot).map { $0 + 1 }
  }

  mutating func append(_ slot: UInt32) {
    if isEmpty { first = slot } else { others.append(slot) }
  }

  mutating func removeLast() {
    if others.popLast() == nil { first = noSlot }
  }

  mutating func swapAt(_ left: Int, _ right: Int) {
    (self[left], self[right]) = (self[right], self[left])
  }

  /// Gives unused memory back.
  mutating func shrink() {
    others = others.withUnsafeBufferPointer { Array($0) }
  }
}
