// SPDX-License-Identifier: Apache-2.0

/// A slot of something with a text, beside the first bytes of that text: in a sorted sequence most comparisons are
/// settled by them, without looking up what stands in the slot.
struct PrefixedSlot: Equatable {
  /// The first eight bytes, the first one highest; zeros where there are fewer.
  let prefix: UInt64
  let slot: UInt32

  init(_ slot: UInt32, text: UnsafeRawBufferPointer) {
    self.slot = slot
    prefix = Self.prefix(of: text)
  }

  /// Less than the other where the text surely is, equal where only the whole texts tell.
  static func prefix(of text: UnsafeRawBufferPointer) -> UInt64 {
    if text.count >= 8 { return UInt64(bigEndian: text.loadUnaligned(as: UInt64.self)) }
    var prefix: UInt64 = 0
    for byte in text { prefix = prefix << 8 | UInt64(byte) }
    return prefix << (8 * UInt64(8 - text.count))
  }

  static func == (left: PrefixedSlot, right: PrefixedSlot) -> Bool { left.slot == right.slot }
}
