// SPDX-License-Identifier: Apache-2.0

/// Watches by the beginning that each demands of a text: one pass over a text finds those of all its beginnings, whatever
/// the number of others.
///
/// A text counts as if a NUL followed it, so a beginning that ends with one demands the whole text.
struct Beginnings: ~Copyable {
  // Not private: in a debug build, the compiler fails on a table of private elements that cannot be copied.
  struct Row: SlabElement {
    var beginning: [UInt8]
    var watches: Set<WatchID>

    mutating func vacate() {
      beginning = []
      watches = []
    }
  }

  private var rows = Slab<Row>()
  private var slots = SlotTable()
  /// The number of beginnings of each length.
  private var lengths: [Int] = []
  /// The number of beginnings by their first byte.
  private var firstBytes = [Int](repeating: 0, count: 256)

  var isEmpty: Bool { rows.count == 0 }

  mutating func insert(_ watch: WatchID, _ beginning: [UInt8]) {
    let hash = Self.hash(of: beginning)
    if let slot = find(beginning, hash) {
      rows[slot].watches.insert(watch)
      return
    }
    slots.insert(hash: hash, slot: rows.insert(Row(beginning: beginning, watches: [watch])))
    while lengths.count <= beginning.count { lengths.append(0) }
    lengths[beginning.count] += 1
    if let first = beginning.first { firstBytes[Int(first)] += 1 }
  }

  mutating func remove(_ watch: WatchID, _ beginning: [UInt8]) {
    let hash = Self.hash(of: beginning)
    guard let slot = find(beginning, hash) else { return }
    rows[slot].watches.remove(watch)
    guard rows[slot].watches.isEmpty else { return }
    rows.remove(slot)
    slots.remove(hash: hash, slot: slot)
    lengths[beginning.count] -= 1
    if let first = beginning.first { firstBytes[Int(first)] -= 1 }
    while lengths.last == 0 { lengths.removeLast() }
  }

  /// Whether a text that starts with this byte may have one of the beginnings.
  func canBegin(with first: UInt8) -> Bool { firstBytes[Int(first)] > 0 }

  /// Adds the watches of all beginnings of a text.
  func collect(from text: UnsafeRawBufferPointer, into found: inout Set<WatchID>) {
    var hash = GrowingHash()
    for end in 0..<max(0, min(text.count + 1, lengths.count - 1)) {
      hash.append(end < text.count ? text[end] : 0)
      guard lengths[end + 1] > 0, let slot = slots.find(hash: hash.value, where: { begins(text, $0, end + 1) }) else {
        continue
      }
      found.formUnion(rows[slot].watches)
    }
  }

  /// Whether the beginning in a slot has this length and begins a text.
  private func begins(_ text: UnsafeRawBufferPointer, _ slot: UInt32, _ length: Int) -> Bool {
    rows[slot].beginning.withUnsafeBytes { beginning in
      guard beginning.count == length else { return false }
      let common = min(length, text.count)
      return ByteOrder.hasPrefix(text, UnsafeRawBufferPointer(rebasing: beginning[..<common]))
        && (common == length || beginning[common] == 0)
    }
  }

  private func find(_ beginning: [UInt8], _ hash: UInt32) -> UInt32? {
    slots.find(hash: hash) { rows[$0].beginning == beginning }
  }

  private static func hash(of beginning: [UInt8]) -> UInt32 {
    var hash = GrowingHash()
    for byte in beginning { hash.append(byte) }
    return hash.value
  }
}

/// The hash of a text that grows byte by byte. Seeded per process: nobody outside can choose texts that collide.
struct GrowingHash {
  private static let seed = UInt64.random(in: .min ... .max)

  private(set) var whole = seed

  var value: UInt32 { UInt32(truncatingIfNeeded: whole) }

  mutating func append(_ byte: UInt8) {
    whole = (whole ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
    whole ^= whole >> 32
  }
}
