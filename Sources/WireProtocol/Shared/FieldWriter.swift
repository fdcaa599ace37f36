// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// Writes the members of one object in their order. Back ends: ``JSONWriter``, which writes the line directly, and
/// ``JSONMembers``, from which jansson writes it.
package protocol FieldWriter {
  mutating func member(_ name: StaticString, _ value: String)
  mutating func member(_ name: StaticString, _ value: Int64)
  mutating func member(_ name: StaticString, _ value: Double)
  mutating func member(_ name: StaticString, _ value: Bool)
  mutating func member(_ name: StaticString, _ value: Digest)
  mutating func member(_ name: StaticString, _ value: Timestamp)
  mutating func null(_ name: StaticString)
  mutating func object(_ name: StaticString, _ write: (inout Self) -> Void)
  mutating func array<Element>(_ name: StaticString, _ elements: [Element], _ write: (Element, inout Self) -> Void)
  mutating func strings(_ name: StaticString, _ elements: [String])
  mutating func integers(_ name: StaticString, _ elements: [Int])
  /// Each range as `[first,count]`.
  mutating func ranges(_ name: StaticString, _ ranges: [Range<Int>])
}

extension FieldWriter {
  package mutating func member(_ name: StaticString, _ value: some FixedWidthInteger) {
    member(name, Int64(clamping: value))
  }

  package mutating func member(_ name: StaticString, _ value: PeerID) {
    member(name, value.digest)
  }

  /// The members `content` and `size`.
  package mutating func members(of content: Content) {
    member("content", content.root)
    member("size", content.size)
  }

  package mutating func object(_ name: StaticString, _ message: some WireMessage) {
    object(name) { message.write(to: &$0) }
  }

  package mutating func array(_ name: StaticString, _ messages: [some WireMessage]) {
    array(name, messages) { message, fields in message.write(to: &fields) }
  }
}

extension JSONWriter: FieldWriter {
  package mutating func member(_ name: StaticString, _ value: Double) {
    key(name)
    real(value)
  }

  package mutating func member(_ name: StaticString, _ value: Digest) {
    key(name)
    hex { value.appendHex(to: &$0) }
  }

  package mutating func member(_ name: StaticString, _ value: Timestamp) {
    key(name)
    hex { value.appendText(to: &$0) }
  }

  package mutating func null(_ name: StaticString) {
    key(name)
    null()
  }

  package mutating func object(_ name: StaticString, _ write: (inout JSONWriter) -> Void) {
    key(name)
    beginObject()
    write(&self)
    endObject()
  }

  package mutating func array<Element>(
    _ name: StaticString, _ elements: [Element], _ write: (Element, inout JSONWriter) -> Void
  ) {
    key(name)
    beginArray()
    for element in elements {
      beginObject()
      write(element, &self)
      endObject()
    }
    endArray()
  }

  package mutating func strings(_ name: StaticString, _ elements: [String]) {
    key(name)
    beginArray()
    for element in elements { string(element) }
    endArray()
  }

  package mutating func integers(_ name: StaticString, _ elements: [Int]) {
    key(name)
    beginArray()
    for element in elements { integer(element) }
    endArray()
  }

  package mutating func ranges(_ name: StaticString, _ ranges: [Range<Int>]) {
    key(name)
    beginArray()
    for range in ranges {
      beginArray()
      integer(range.lowerBound)
      integer(range.count)
      endArray()
    }
    endArray()
  }

  /// Writes one line.
  package mutating func line(_ write: (inout JSONWriter) -> Void) {
    beginObject()
    write(&self)
    endObject()
    endLine()
  }

  /// Begins the successful reply to request `id`. End it with `endReply`.
  package mutating func beginReply(id: Int64) {
    beginObject()
    member("id", id)
    member("status", 200)
  }

  package mutating func endReply() {
    endObject()
    endLine()
  }
}

extension JSONMembers: FieldWriter {
  package mutating func member(_ name: StaticString, _ value: String) { set(name, .string(value)) }
  package mutating func member(_ name: StaticString, _ value: Int64) { set(name, .integer(value)) }
  package mutating func member(_ name: StaticString, _ value: Double) { set(name, .real(value)) }
  package mutating func member(_ name: StaticString, _ value: Bool) { set(name, .bool(value)) }
  package mutating func member(_ name: StaticString, _ value: Digest) { set(name, .string(value.hex)) }
  package mutating func member(_ name: StaticString, _ value: Timestamp) { set(name, .string(value.text)) }
  package mutating func null(_ name: StaticString) { set(name, .null) }

  package mutating func object(_ name: StaticString, _ write: (inout JSONMembers) -> Void) {
    set(name, .object(Self.written(write)))
  }

  package mutating func array<Element>(
    _ name: StaticString, _ elements: [Element], _ write: (Element, inout JSONMembers) -> Void
  ) {
    set(name, .array(elements.map { element in .object(Self.written { write(element, &$0) }) }))
  }

  package mutating func strings(_ name: StaticString, _ elements: [String]) {
    set(name, .array(elements.map { .string($0) }))
  }

  package mutating func integers(_ name: StaticString, _ elements: [Int]) {
    set(name, .array(elements.map { .integer(Int64($0)) }))
  }

  package mutating func ranges(_ name: StaticString, _ ranges: [Range<Int>]) {
    set(name, .array(ranges.map { .array([.integer(Int64($0.lowerBound)), .integer(Int64($0.count))]) }))
  }

  /// The members that `write` adds to none.
  package static func written(_ write: (inout JSONMembers) -> Void) -> JSONMembers {
    var members = JSONMembers()
    write(&members)
    return members
  }

  private mutating func set(_ name: StaticString, _ value: JSONValue) {
    self["\(name)"] = value
  }
}
