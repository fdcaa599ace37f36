// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// A value that is a text, and is found by its bytes.
protocol TextValue {
  /// What stands in a slot that is free.
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

/// Each text once, with a payload, in a numbered slot; found by its UTF-8 without a string having to be made.
struct TextTable<Text: TextValue, Payload> {
  private struct Row: SlabElement {
    var text: Text
    var payload: Payload?

    mutating func vacate() {
      text = .vacant
      payload = nil
    }
  }

  private var rows = Slab<Row>()
  private var slots = SlotTable()

  var count: Int { rows.count }

  func text(_ slot: UInt32) -> Text { rows[slot].text }

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

  /// Enters a text that is not there yet.
  mutating func insert(_ text: Text, payload: Payload) -> UInt32 {
    let slot = rows.insert(Row(text: text, payload: payload))
    slots.insert(hash: hash(of: slot), slot: slot)
    return slot
  }

  mutating func remove(_ slot: UInt32) {
    slots.remove(hash: hash(of: slot), slot: slot)
    rows.remove(slot)
  }

  private func hash(of slot: UInt32) -> UInt32 {
    ByteOrder.withBytes(of: rows[slot].text.text) { SlotTable.hash(of: $0) }
  }
}
