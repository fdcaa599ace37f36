// SPDX-License-Identifier: Apache-2.0

/// Finds two members of one object with the same name, in time linear in the object's length.
struct DuplicateKeys {
  /// Up to this many members are compared pairwise.
  private static let pairwiseLimit = 16
  /// Larger tables are not kept for the next line.
  private static let keptSlots = 1 << 14

  /// Open addressing: the index of a key's token, 0 if free (no key has index 0).
  private var slots: [UInt32] = []

  /// Checks the object at `object`, whose tokens are all on the tape. May overwrite its keys' `next`.
  mutating func check(
    object: Int, tape: inout [JSONToken], bytes: UnsafePointer<UInt8>
  ) throws(JSONSyntaxError) {
    let duplicate =
      tape[object].end <= Self.pairwiseLimit
      ? Self.pairwise(object: object, tape: tape, bytes: bytes) : .unknown
    switch duplicate {
    case .none: return
    case .at(let offset): throw JSONSyntaxError(offset: offset, reason: .duplicateKey)
    case .unknown: try checkByHash(object: object, tape: &tape, bytes: bytes)
    }
  }

  private enum Finding {
    case none
    case at(Int)
    /// There is a key with escapes: comparing is expensive, so hashes decide.
    case unknown
  }

  private static func pairwise(object: Int, tape: [JSONToken], bytes: UnsafePointer<UInt8>) -> Finding {
    tape.withUnsafeBufferPointer { tape in
      var later = object + 1
      while later < tape.count {
        let key = tape[later]
        if key.hasEscapes { return .unknown }
        var earlier = object + 1
        while earlier < later {
          if sameBytes(key, tape[earlier], bytes) { return .at(Int(key.start)) }
          earlier = Int(tape[earlier + 1].next)
        }
        later = Int(tape[later + 1].next)
      }
      return .none
    }
  }

  private mutating func checkByHash(
    object: Int, tape: inout [JSONToken], bytes: UnsafePointer<UInt8>
  ) throws(JSONSyntaxError) {
    defer { if slots.count > Self.keptSlots { slots = [] } }
    let count = clearedSlots(for: Int(tape[object].end))
    var index = object + 1
    while index < tape.count {
      let hash = Self.hash(of: tape[index], bytes)
      tape[index].next = UInt32(truncatingIfNeeded: hash)
      var slot = hash & (count - 1)
      while slots[slot] != 0 {
        if Self.same(tape[Int(slots[slot])], tape[index], bytes) {
          throw JSONSyntaxError(offset: Int(tape[index].start), reason: .duplicateKey)
        }
        slot = (slot + 1) & (count - 1)
      }
      slots[slot] = UInt32(truncatingIfNeeded: index)
      index = Int(tape[index + 1].next)
    }
  }

  /// At most half of the slots are used. Only those that the object needs are cleared.
  private mutating func clearedSlots(for members: Int) -> Int {
    var count = 32
    while count < 2 * members { count *= 2 }
    if slots.count < count {
      slots = [UInt32](repeating: 0, count: count)
    } else {
      for index in 0..<count { slots[index] = 0 }
    }
    return count
  }

  // MARK: Keys

  /// Seeded per process by the standard library: an attacker cannot prepare keys that collide.
  private static func hash(of key: JSONToken, _ bytes: UnsafePointer<UInt8>) -> Int {
    var hasher = Hasher()
    if key.hasEscapes {
      value(of: key, bytes).withUnsafeBytes { hasher.combine(bytes: $0) }
    } else {
      hasher.combine(bytes: UnsafeRawBufferPointer(start: bytes + Int(key.start), count: Int(key.end - key.start)))
    }
    return hasher.finalize()
  }

  private static func same(_ left: JSONToken, _ right: JSONToken, _ bytes: UnsafePointer<UInt8>) -> Bool {
    guard left.next == right.next else { return false }
    if !left.hasEscapes, !right.hasEscapes { return sameBytes(left, right, bytes) }
    return value(of: left, bytes) == value(of: right, bytes)
  }

  private static func value(of key: JSONToken, _ bytes: UnsafePointer<UInt8>) -> [UInt8] {
    StringEscapes.unescaped(bytes, from: Int(key.start), to: Int(key.end))
  }

  @inline(__always)
  private static func sameBytes(_ left: JSONToken, _ right: JSONToken, _ bytes: UnsafePointer<UInt8>) -> Bool {
    let count = left.end &- left.start
    guard count == right.end &- right.start else { return false }
    return ByteComparison.areEqual(bytes + Int(left.start), bytes + Int(right.start), count: Int(count))
  }
}
