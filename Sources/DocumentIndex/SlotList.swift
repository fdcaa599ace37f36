// SPDX-License-Identifier: Apache-2.0

/// A list of slots of which the first stands in place: most lists have one, and need no memory elsewhere.
struct SlotList {
  private var first = noSlot
  private var others: [UInt32] = []

  var isEmpty: Bool { first == noSlot }
  var count: Int { isEmpty ? 0 : others.count + 1 }
  /// How many fit without more memory.
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

  /// Gives back memory that is not used.
  mutating func shrink() {
    others = others.withUnsafeBufferPointer { Array($0) }
  }
}
