// SPDX-License-Identifier: Apache-2.0

/// A hash table of slots, eight bytes per bucket: the elements are in a `Slab` and are compared there. Open addressing with
/// linear probing; removal closes the gap, so there are no tombstones. The hash is stored, so growing touches no element.
struct SlotTable {
  /// The hash in the high half, the slot plus one in the low half; 0 is an empty bucket. A power of two, or none.
  private var buckets: [UInt64] = []
  private(set) var count = 0

  private static let fewestBuckets = 8

  /// The slot with this hash for which `isMatch` is true.
  func find(hash: UInt32, where isMatch: (UInt32) -> Bool) -> UInt32? {
    guard count > 0 else { return nil }
    let mask = buckets.count - 1
    var position = Int(hash) & mask
    while buckets[position] != 0 {
      let slot = Self.slot(buckets[position])
      if Self.hash(buckets[position]) == hash, isMatch(slot) { return slot }
      position = (position + 1) & mask
    }
    return nil
  }

  /// Inserts a slot that is not in the table.
  mutating func insert(hash: UInt32, slot: UInt32) {
    if (count + 1) * 4 > buckets.count * 3 { resize(to: max(Self.fewestBuckets, buckets.count * 2)) }
    place(UInt64(hash) << 32 | UInt64(slot + 1))
    count += 1
  }

  /// Removes a slot that was inserted with this hash.
  mutating func remove(hash: UInt32, slot: UInt32) {
    guard count > 0 else { return }
    let mask = buckets.count - 1
    let bucket = UInt64(hash) << 32 | UInt64(slot + 1)
    var position = Int(hash) & mask
    while buckets[position] != bucket {
      guard buckets[position] != 0 else { return }
      position = (position + 1) & mask
    }
    closeGap(at: position)
    count -= 1
    if buckets.count > Self.fewestBuckets, count * 8 < buckets.count { resize(to: buckets.count / 2) }
    if count == 0 { buckets = [] }
  }

  /// Moves later buckets of the run forward where their home allows it.
  private mutating func closeGap(at position: Int) {
    let mask = buckets.count - 1
    var gap = position
    var next = (gap + 1) & mask
    while buckets[next] != 0 {
      let home = Int(Self.hash(buckets[next])) & mask
      if (next - home) & mask >= (next - gap) & mask {
        buckets[gap] = buckets[next]
        gap = next
      }
      next = (next + 1) & mask
    }
    buckets[gap] = 0
  }

  private mutating func resize(to size: Int) {
    let old = buckets
    buckets = Array(repeating: 0, count: size)
    for bucket in old where bucket != 0 { place(bucket) }
  }

  private mutating func place(_ bucket: UInt64) {
    let mask = buckets.count - 1
    var position = Int(Self.hash(bucket)) & mask
    while buckets[position] != 0 { position = (position + 1) & mask }
    buckets[position] = bucket
  }

  private static func hash(_ bucket: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: bucket >> 32) }
  private static func slot(_ bucket: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: bucket) - 1 }
}

extension SlotTable {
  /// Seeded per process: nobody outside can choose keys that collide.
  static func hash(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    var hasher = Hasher()
    hasher.combine(bytes: bytes)
    return UInt32(truncatingIfNeeded: hasher.finalize())
  }

  static func hash(of value: some Hashable) -> UInt32 {
    var hasher = Hasher()
    hasher.combine(value)
    return UInt32(truncatingIfNeeded: hasher.finalize())
  }
}
