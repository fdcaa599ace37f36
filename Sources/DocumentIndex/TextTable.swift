// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// A value that is found by the bytes of its text.
protocol TextValue {
  /// The value of a free slot.
  static var vacant: Self { get }
  var text: String { get }
}

extension DocumentKey: TextValue {
  static var vacant: DocumentKey { DocumentKey(rfc: 0) }
}

extension Title: TextValue {
  static var vacant: Title { .empty }
}

extension String: TextValue {
  static var vacant: String { "" }
  var text: String { self }
}

/// Each text once, with a payload, in a numbered slot; found by its UTF-8 without making a string.
struct TextTable<Text: TextValue, Payload>: ~Copyable {
  // Not private: in a debug build, the compiler fails on a table of private elements that cannot be copied.
  struct Row: SlabElement {
    var text: Text
    var payload: Payload?

    mutating func vacate() {
      text = .vacant
      payload = nil
    }
  }

  private var rows = Slab<Row>()
  private var slots = SlotTable()
  /// Of long texts, in bytes.
  private var textBytes = 0

  var count: Int { rows.count }
  /// Memory in bytes, without what the payloads refer to.
  var bytes: Int { rows.bytes + slots.bytes + textBytes }

  func text(_ slot: UInt32) -> Text { rows[slot].text }

  /// The text where it is: nothing counts a reference to it.
  subscript(text slot: UInt32) -> Text {
    _read { yield rows[slot].text }
  }

  subscript(slot: UInt32) -> Payload? {
    _read { yield rows[slot].payload }
    _modify { yield &rows[slot].payload }
  }

  func find(_ bytes: UnsafeRawBufferPointer) -> UInt32? {
    slots.find(hash: SlotTable.hash(of: bytes)) { ByteOrder.isEqual(rows[$0].text.text, bytes) }
  }

  func find(_ text: String) -> UInt32? {
    ByteOrder.withBytes(of: text) { find($0) }
  }

  /// Inserts a text that is not in the table.
  mutating func insert(_ text: Text, payload: Payload) -> UInt32 {
    let slot = rows.insert(Row(text: text, payload: payload))
    slots.insert(hash: hash(of: slot), slot: slot)
    textBytes += TextMemory.bytes(of: text.text)
    return slot
  }

  mutating func remove(_ slot: UInt32) {
    slots.remove(hash: hash(of: slot), slot: slot)
    textBytes -= TextMemory.bytes(of: rows[slot].text.text)
    rows.remove(slot)
  }

  private func hash(of slot: UInt32) -> UInt32 {
    ByteOrder.withBytes(of: rows[slot].text.text) { SlotTable.hash(of: $0) }
  }
}

/// What texts and arrays cost beyond the place where they are stored.
enum TextMemory {
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
    withBytes(of: text) { $0.count == bytes.count && commonPrefix($0, bytes) == bytes.count }
  }

  /// Negative, zero or positive if the left one is before, equal to or after the right one.
  static func compare(_ left: String, _ right: String) -> Int {
    withBytes(of: left) { left in withBytes(of: right) { right in compare(left, right) } }
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
    withBytes(of: text) { text in withBytes(of: prefix) { prefix in hasPrefix(text, prefix) } }
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
    while length < count, left[length] == right[length] { length += 1 }
    return length
  }
}
