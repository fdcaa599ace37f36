// SPDX-License-Identifier: Apache-2.0

/// The sources that offer one thing: each once, however many records claim it, complete ones first.
///
/// Joining, leaving and picking by number take constant time however large the set: leaving moves the last one into the
/// gap. Most sets are small and most sources claim a thing once, so what only others need is left empty.
struct HolderSet {
  /// How many records of one source claim the thing.
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
  private(set) var completeCount = 0
  /// Where each member stands; kept only while there are too many to look through.
  private var positions: [UInt32: UInt32] = [:]
  /// Sources with more than one claim.
  private var repeated: [UInt32: Claims] = [:]

  private static let maxSearched = 16

  var count: Int { members.count }
  var isEmpty: Bool { members.isEmpty }

  func contains(_ source: UInt32) -> Bool { position(of: source) != nil }

  /// Whether a member has all of the thing.
  func isComplete(_ source: UInt32) -> Bool {
    position(of: source).map { $0 < completeCount } ?? false
  }

  /// True where the source is a new member.
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

  /// Takes back one claim; true where it was the last of that source.
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

  /// At most `limit` members: complete ones first, beyond the limit a random choice in which each has the same chance.
  func sample(
    _ limit: Int, using generator: inout some RandomNumberGenerator,
    _ body: (_ source: UInt32, _ complete: Bool) -> Void
  ) {
    let complete = min(limit, completeCount)
    pick(complete, from: 0..<completeCount, using: &generator) { body($0, true) }
    let partial = min(limit - complete, members.count - completeCount)
    pick(partial, from: completeCount..<members.count, using: &generator) { body($0, false) }
  }

  /// One from each of as many equal stretches as are wanted, counted from a random place: no memory, no repetition, and
  /// those who take the first of a short list do not all take the same.
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

  /// Scaled, not by rejection: a bias of count / 2^64 harms nobody, and the generator is asked once.
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

  /// From among the others to the complete ones.
  private mutating func promote(_ position: Int) {
    swap(position, completeCount)
    completeCount += 1
  }

  /// From among the complete ones to the others; returns where it stands then.
  @discardableResult
  private mutating func demote(_ position: Int) -> Int {
    completeCount -= 1
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

  /// Gives memory back after many have left.
  private mutating func shrink() {
    guard members.capacity > 4 * Self.maxSearched, members.count * 4 < members.capacity else { return }
    members.shrink()
    if members.count > Self.maxSearched { notePositions() } else { positions = [:] }
  }
}

extension HolderSet {
  /// What is wrong with it, for tests.
  var defects: [String] {
    var defects = [String]()
    if Set((0..<members.count).map { members[$0] }).count != members.count {
      defects.append("a source is twice in a holder set")
    }
    if completeCount > members.count { defects.append("more complete holders than holders") }
    if !positions.isEmpty, positions.count != members.count { defects.append("positions of a holder set are amiss") }
    for position in 0..<members.count where self.position(of: members[position]) != position {
      defects.append("a holder is not where it is said to be")
    }
    for (source, claims) in repeated {
      if claims.complete + claims.partial < 2 { defects.append("a source is counted as repeated, but is not") }
      if (claims.complete > 0) != isComplete(source) { defects.append("a holder is on the wrong side") }
    }
    return defects
  }

  /// How many records claim the thing, by source.
  var claims: [UInt32: Int] {
    var claims = [UInt32: Int]()
    for source in (0..<members.count).map({ members[$0] }) {
      claims[source] = repeated[source].map { Int($0.complete + $0.partial) } ?? 1
    }
    return claims
  }
}
