// SPDX-License-Identifier: Apache-2.0

/// What can stand in a slot of a `Slab`.
protocol SlabElement {
  /// Lets go of memory outside the slot: the slot stays, its element does not.
  mutating func vacate()
}

/// No slot: the end of a chain of slots.
let noSlot = UInt32.max

/// Elements in numbered slots. A number stays with its element until that is removed, and is given out again later, so
/// four bytes refer to anything and nothing is allocated one by one.
struct Slab<Element: SlabElement> {
  private var elements: [Element] = []
  private var free: [UInt32] = []

  /// How many slots are taken.
  var count: Int { elements.count - free.count }

  /// The slot must be a taken one.
  subscript(slot: UInt32) -> Element {
    _read { yield elements[Int(slot)] }
    _modify { yield &elements[Int(slot)] }
  }

  mutating func insert(_ element: Element) -> UInt32 {
    if let slot = free.popLast() {
      elements[Int(slot)] = element
      return slot
    }
    if elements.count == elements.capacity {
      // A quarter more instead of twice as much: with millions of elements the slack would be most of the memory.
      elements.reserveCapacity(elements.count + max(16, elements.count / 4))
    }
    elements.append(element)
    return UInt32(elements.count - 1)
  }

  /// Frees a taken slot.
  mutating func remove(_ slot: UInt32) {
    elements[Int(slot)].vacate()
    free.append(slot)
    guard free.count == elements.count else { return }
    elements = []
    free = []
  }
}
