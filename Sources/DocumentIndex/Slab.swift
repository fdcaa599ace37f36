// SPDX-License-Identifier: Apache-2.0

/// An element of a `Slab`.
protocol SlabElement {
  /// Releases memory outside the slot: the slot stays, its element does not.
  mutating func vacate()
}

/// No slot: the end of a chain of slots.
let noSlot = UInt32.max

/// Elements in numbered slots. A slot keeps its number until its element is removed, and is reused later: four bytes refer
/// to an element, and no element is allocated alone.
struct Slab<Element: SlabElement> {
  private var elements: [Element] = []
  private var free: [UInt32] = []

  /// The number of slots in use.
  var count: Int { elements.count - free.count }

  /// The slot must be in use.
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
      // Grow by a quarter: with millions of elements, the slack after doubling would be most of the memory.
      elements.reserveCapacity(elements.count + max(16, elements.count / 4))
    }
    elements.append(element)
    return UInt32(elements.count - 1)
  }

  /// Frees a slot in use.
  mutating func remove(_ slot: UInt32) {
    elements[Int(slot)].vacate()
    free.append(slot)
    guard free.count == elements.count else { return }
    elements = []
    free = []
  }
}

/// An element of a chain from the oldest to the newest.
protocol AgeLinked: SlabElement {
  var older: UInt32 { get set }
  var newer: UInt32 { get set }
}

/// The two ends of a chain of slots in the order of insertion. The links are in the elements, so removing any one takes
/// constant time.
struct AgeList {
  private(set) var oldest = noSlot
  private(set) var newest = noSlot

  var isEmpty: Bool { oldest == noSlot }

  /// Adds a slot as the newest.
  mutating func append<Element: AgeLinked>(_ slot: UInt32, in slab: inout Slab<Element>) {
    slab[slot].older = newest
    slab[slot].newer = noSlot
    if newest == noSlot { oldest = slot } else { slab[newest].newer = slot }
    newest = slot
  }

  /// Removes a slot of this chain.
  mutating func remove<Element: AgeLinked>(_ slot: UInt32, in slab: inout Slab<Element>) {
    let (older, newer) = (slab[slot].older, slab[slot].newer)
    if older == noSlot { oldest = newer } else { slab[older].newer = newer }
    if newer == noSlot { newest = older } else { slab[newer].older = older }
  }

  /// The chain from the oldest to the newest.
  func slots<Element: AgeLinked>(in slab: Slab<Element>) -> some Sequence<UInt32> {
    sequence(state: oldest) { slot in
      guard slot != noSlot else { return nil }
      defer { slot = slab[slot].newer }
      return slot
    }
  }
}
