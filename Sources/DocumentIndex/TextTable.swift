// SPDX-License-Identifier: Apache-2.0

/// Bytes in memory of their own. Nothing counts references to it, so threads that read the same text do not slow each other
/// down; the table that has it frees it.
struct RawText {
  let bytes: UnsafeRawBufferPointer

  /// No bytes.
  init() {
    bytes = UnsafeRawBufferPointer(start: nil, count: 0)
  }

  /// Copies the bytes.
  init(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else {
      self.init()
      return
    }
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    copy.copyMemory(from: bytes)
    self.init(owning: UnsafeRawBufferPointer(copy))
  }

  private init(owning bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var string: String { String(decoding: bytes, as: UTF8.self) }

  mutating func free() {
    bytes.deallocate()
    self = RawText()
  }
}

/// Each text once, with a payload, in a numbered slot; found by its UTF-8 without making a string.
struct TextTable<Payload>: ~Copyable {
  // Not private: in a debug build, the compiler fails on a table of private elements that cannot be copied.
  struct Row: SlabElement {
    var text: RawText
    var payload: Payload?

    mutating func vacate() {
      text.free()
      payload = nil
    }
  }

  private var rows = Slab<Row>()
  private var slots = SlotTable()
  /// Of the texts, in bytes.
  private var textBytes = 0

  var count: Int { rows.count }
  /// Memory in bytes, without what the payloads refer to.
  var bytes: Int { rows.bytes + slots.bytes + textBytes }

  /// A text where it is: valid until its slot is removed.
  func text(_ slot: UInt32) -> UnsafeRawBufferPointer { rows[slot].text.bytes }

  func string(_ slot: UInt32) -> String { rows[slot].text.string }

  subscript(slot: UInt32) -> Payload? {
    _read { yield rows[slot].payload }
    // Not `_modify`, for which each call would need memory.
    set { rows[slot].payload = newValue }
  }

  func find(_ bytes: UnsafeRawBufferPointer) -> UInt32? {
    find(bytes, hash: slots.hash(of: bytes))
  }

  func find(_ text: String) -> UInt32? {
    ByteOrder.withBytes(of: text) { find($0) }
  }

  /// Finds a text, or inserts it.
  mutating func place(_ text: String, payload: Payload) -> (slot: UInt32, isNew: Bool) {
    ByteOrder.withBytes(of: text) { place($0, payload: payload) }
  }

  mutating func place(_ bytes: UnsafeRawBufferPointer, payload: Payload) -> (slot: UInt32, isNew: Bool) {
    let hash = slots.hash(of: bytes)
    if let slot = find(bytes, hash: hash) { return (slot, false) }
    let slot = rows.insert(Row(text: RawText(bytes), payload: payload))
    slots.insert(hash: hash, slot: slot)
    textBytes += TextMemory.bytes(of: bytes)
    return (slot, true)
  }

  private func find(_ bytes: UnsafeRawBufferPointer, hash: UInt32) -> UInt32? {
    slots.find(hash: hash) { ByteOrder.isEqual(text($0), bytes) }
  }

  mutating func remove(_ slot: UInt32) {
    slots.remove(hash: slots.hash(of: text(slot)), slot: slot)
    textBytes -= TextMemory.bytes(of: text(slot))
    rows.remove(slot)
  }
}

/// What texts and arrays cost beyond the place where they are stored.
enum TextMemory {
  /// Of bytes in memory of their own.
  static func bytes(of text: UnsafeRawBufferPointer) -> Int { text.isEmpty ? 0 : max(32, allocation(text.count)) }

  /// Of a string: those of up to 15 bytes are stored in place.
  static func bytes(of text: String) -> Int {
    let count = text.utf8.count
    return count <= 15 ? 0 : allocation(32 + count + 1)
  }

  /// Of an array's elements.
  static func bytes(ofArray capacity: Int, stride: Int) -> Int {
    capacity == 0 ? 0 : allocation(32 + capacity * stride)
  }

  /// The bytes that malloc(3) takes for so many.
  private static func allocation(_ bytes: Int) -> Int { (bytes + 8 + 15) & ~15 }
}

/// Compares texts by their UTF-8 bytes, eight at a time: lists and look-ups spend most of their time here.
enum ByteOrder {
  static func withBytes<Result>(of text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let result = text.utf8.withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }
    // Only a string bridged from elsewhere has no contiguous UTF-8.
    return result ?? Array(text.utf8).withUnsafeBytes(body)
  }

  static func isEqual(_ text: String, _ bytes: UnsafeRawBufferPointer) -> Bool {
    withBytes(of: text) { isEqual($0, bytes) }
  }

  static func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    var offset = 0
    while left.count - offset >= 8 {
      let leftWord = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      guard leftWord == right.loadUnaligned(fromByteOffset: offset, as: UInt64.self) else { return false }
      offset += 8
    }
    return rest(of: left, from: offset) == rest(of: right, from: offset)
  }

  /// The last bytes, fewer than eight, as a number: of texts of one length, only the same bytes have the same.
  @inline(__always)
  static func rest(of text: UnsafeRawBufferPointer, from offset: Int) -> UInt64 {
    let count = text.count - offset
    if count >= 4 {
      let (first, last) = (
        text.loadUnaligned(fromByteOffset: offset, as: UInt32.self),
        text.loadUnaligned(fromByteOffset: text.count - 4, as: UInt32.self)
      )
      return UInt64(first) << 32 | UInt64(last)
    }
    guard count > 0 else { return 0 }
    let (first, middle, last) = (text[offset], text[offset + count / 2], text[text.count - 1])
    return UInt64(first) << 16 | UInt64(middle) << 8 | UInt64(last)
  }

  /// Negative, zero or positive if the left one is before, equal to or after the right one.
  static func compare(_ left: String, _ right: String) -> Int {
    withBytes(of: left) { compare($0, right) }
  }

  static func compare(_ left: UnsafeRawBufferPointer, _ right: String) -> Int {
    withBytes(of: right) { compare(left, $0) }
  }

  static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    let length = commonPrefix(left, right)
    guard length < left.count, length < right.count else { return left.count - right.count }
    return Int(left[length]) - Int(right[length])
  }

  static func hasPrefix(_ text: UnsafeRawBufferPointer, _ prefix: UnsafeRawBufferPointer) -> Bool {
    text.count >= prefix.count && commonPrefix(text, prefix) == prefix.count
  }

  static func hasPrefix(_ text: String, _ prefix: String) -> Bool {
    withBytes(of: text) { hasPrefix($0, prefix) }
  }

  static func hasPrefix(_ text: UnsafeRawBufferPointer, _ prefix: String) -> Bool {
    withBytes(of: prefix) { hasPrefix(text, $0) }
  }

  /// The length of the common prefix in bytes.
  private static func commonPrefix(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    let count = min(left.count, right.count)
    var length = 0
    while length + 8 <= count {
      let leftWord = left.loadUnaligned(fromByteOffset: length, as: UInt64.self)
      let rightWord = right.loadUnaligned(fromByteOffset: length, as: UInt64.self)
      if leftWord != rightWord {
        return length + (UInt64(littleEndian: leftWord) ^ UInt64(littleEndian: rightWord)).trailingZeroBitCount / 8
      }
      length += 8
    }
    if length < count, count >= 8 {
      // The last eight, some of which have been compared.
      let leftWord = left.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
      let rightWord = right.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
      let difference = UInt64(littleEndian: leftWord) ^ UInt64(littleEndian: rightWord)
      return count - 8 + difference.trailingZeroBitCount / 8
    }
    while length < count, left[length] == right[length] { length += 1 }
    return length
  }
}
