// SPDX-License-Identifier: Apache-2.0

/// An element that stands in a chain from the oldest to the newest.
protocol AgeLinked: SlabElement {
  var older: UInt32 { get set }
  var newer: UInt32 { get set }
}

/// The two ends of a chain of slots in the order in which they joined. The links are in the elements, so that any one
/// leaves in constant time.
struct AgeList {
  private(set) var oldest = noSlot
  private(set) var newest = noSlot

  var isEmpty: Bool { oldest == noSlot }

  /// Adds the newest.
  mutating func append<Element: AgeLinked>(_ slot: UInt32, in slab: inout Slab<Element>) {
    slab[slot].older = newest
    slab[slot].newer = noSlot
    if newest == noSlot { oldest = slot } else { slab[newest].newer = slot }
    newest = slot
  }

  /// Takes out one that is in this chain.
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
