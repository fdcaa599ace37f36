// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// A hash table of slots, eight bytes per bucket: the elements are in a `Slab` and are compared there. Open addressing with
/// linear probing; removal closes the gap, so there are no tombstones. The hash is stored, so growing touches no element.
///
/// It consists of many small tables that grow one by one: nobody waits while millions of buckets move.
struct SlotTable: ~Copyable {
  private struct Part {
    /// The hash in the high half, the slot plus one in the low half; 0 is an empty bucket. A power of two, or none.
    var buckets: UnsafeMutablePointer<UInt64>?
    var mask: UInt32 = 0
    var count: UInt32 = 0

    var size: UInt32 { buckets == nil ? 0 : mask + 1 }
  }

  private static var parts: Int { 256 }
  private static var fewestBuckets: UInt32 { 8 }

  /// By the first bits of the hash.
  private let parts = UnsafeMutablePointer<Part>.allocate(capacity: Self.parts)
  /// A copy: reaching for the global ones costs as much as a short text.
  private let seeds = Self.seeds
  private var buckets = 0
  private(set) var count = 0

  init() {
    parts.initialize(repeating: Part(), count: Self.parts)
  }

  deinit {
    for number in 0..<Self.parts { parts[number].buckets?.deallocate() }
    parts.deallocate()
  }

  /// Memory in bytes.
  var bytes: Int { buckets * 8 }

  /// The slot with this hash for which `isMatch` is true.
  func find(hash: UInt32, where isMatch: (UInt32) -> Bool) -> UInt32? {
    guard count > 0 else { return nil }
    let part = parts[Int(hash >> 24)]
    guard let buckets = part.buckets else { return nil }
    var position = hash & part.mask
    while buckets[Int(position)] != 0 {
      let bucket = buckets[Int(position)]
      if Self.hash(bucket) == hash, isMatch(Self.slot(bucket)) { return Self.slot(bucket) }
      position = (position + 1) & part.mask
    }
    return nil
  }

  /// Inserts a slot that is not in the table.
  mutating func insert(hash: UInt32, slot: UInt32) {
    let number = Int(hash >> 24)
    let size = parts[number].size
    if (parts[number].count + 1) * 4 > size * 3 { resize(number, to: max(Self.fewestBuckets, size * 2)) }
    guard let buckets = parts[number].buckets else { return }
    Self.place(Self.bucket(hash, slot), buckets, parts[number].mask)
    parts[number].count += 1
    count += 1
  }

  /// Removes a slot that was inserted with this hash.
  mutating func remove(hash: UInt32, slot: UInt32) {
    let number = Int(hash >> 24)
    guard let buckets = parts[number].buckets else { return }
    let mask = parts[number].mask
    var position = hash & mask
    while buckets[Int(position)] != Self.bucket(hash, slot) {
      guard buckets[Int(position)] != 0 else { return }
      position = (position + 1) & mask
    }
    Self.closeGap(at: position, buckets, mask)
    parts[number].count -= 1
    count -= 1
    let size = mask + 1
    if count == 0 {
      release()
    } else if size > Self.fewestBuckets, parts[number].count * 8 < size {
      resize(number, to: size / 2)
    }
  }

  private mutating func release() {
    for number in 0..<Self.parts {
      parts[number].buckets?.deallocate()
      parts[number] = Part()
    }
    buckets = 0
  }

  /// Moves later buckets of the run forward where their home allows it.
  private static func closeGap(at position: UInt32, _ buckets: UnsafeMutablePointer<UInt64>, _ mask: UInt32) {
    var gap = position
    var next = (gap + 1) & mask
    while buckets[Int(next)] != 0 {
      let home = hash(buckets[Int(next)]) & mask
      if (next &- home) & mask >= (next &- gap) & mask {
        buckets[Int(gap)] = buckets[Int(next)]
        gap = next
      }
      next = (next + 1) & mask
    }
    buckets[Int(gap)] = 0
  }

  private mutating func resize(_ number: Int, to size: UInt32) {
    let old = parts[number]
    let new = UnsafeMutablePointer<UInt64>.allocate(capacity: Int(size))
    new.initialize(repeating: 0, count: Int(size))
    parts[number].buckets = new
    parts[number].mask = size - 1
    buckets += Int(size) - Int(old.size)
    guard let moved = old.buckets else { return }
    for position in 0..<Int(old.size) where moved[position] != 0 { Self.place(moved[position], new, size - 1) }
    moved.deallocate()
  }

  private static func place(_ bucket: UInt64, _ buckets: UnsafeMutablePointer<UInt64>, _ mask: UInt32) {
    var position = hash(bucket) & mask
    while buckets[Int(position)] != 0 { position = (position + 1) & mask }
    buckets[Int(position)] = bucket
  }

  private static func bucket(_ hash: UInt32, _ slot: UInt32) -> UInt64 { UInt64(hash) << 32 | UInt64(slot + 1) }
  private static func hash(_ bucket: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: bucket >> 32) }
  private static func slot(_ bucket: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: bucket) - 1 }
}

extension SlotTable {
  // Seeded per process: nobody outside can choose keys that collide.
  private static let seeds = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max) | 1)

  /// Folds the whole product of two words, as wyhash and its relatives do: eight bytes in a few cycles. An index hashes each
  /// text and word of each record, for which the hasher of the standard library takes several times as long.
  @inline(__always)
  private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }

  func hash(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    let (first, second) = seeds
    var state = first ^ UInt64(bytes.count)
    var offset = 0
    while bytes.count - offset >= 8 {
      state = Self.mix(state ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self), second)
      offset += 8
    }
    let rest = ByteOrder.rest(of: bytes, from: offset)
    return UInt32(truncatingIfNeeded: Self.mix(Self.mix(state ^ rest, second), first | 1))
  }

  func hash(of content: Content) -> UInt32 {
    let (first, second) = seeds
    var state = Self.mix(first ^ UInt64(bitPattern: content.size), second)
    let words = content.root.words
    state = Self.mix(state ^ words.0, second)
    state = Self.mix(state ^ words.1, second)
    state = Self.mix(state ^ words.2, second)
    return UInt32(truncatingIfNeeded: Self.mix(Self.mix(state ^ words.3, second), first | 1))
  }

  /// For numbers that nobody outside can choose: a mixer without a secret (the finaliser of MurmurHash3).
  static func hash(_ left: UInt32, _ right: UInt32) -> UInt32 {
    var mixed = UInt64(left) << 32 | UInt64(right)
    mixed = (mixed ^ mixed >> 33) &* 0xFF51_AFD7_ED55_8CCD
    mixed = (mixed ^ mixed >> 33) &* 0xC4CE_B9FE_1A85_EC53
    return UInt32(truncatingIfNeeded: mixed ^ mixed >> 33)
  }
}
