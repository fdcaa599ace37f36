// SPDX-License-Identifier: Apache-2.0

/// Writes JSON directly into a buffer that is kept from line to line, and adds the commas.
///
/// The caller pairs `begin…` with `end…` and keys with values, and never repeats a name in an object. ``JSONReader`` and
/// jansson can then read the result.
package struct JSONWriter: Sendable {
  /// Everything written so far. Empty it with `removeAll(keepingCapacity: true)`.
  package var bytes: [UInt8]
  /// The next value in the same container is not the first.
  private var needsComma = false

  package init(reservingCapacity capacity: Int = 0) {
    bytes = []
    if capacity > 0 { bytes.reserveCapacity(capacity) }
  }

  // MARK: Structure

  package mutating func beginObject() { open(UInt8(ascii: "{")) }

  package mutating func endObject() { close(UInt8(ascii: "}")) }

  package mutating func beginArray() { open(UInt8(ascii: "[")) }

  package mutating func endArray() { close(UInt8(ascii: "]")) }

  /// The name of a member; its value comes next.
  package mutating func key(_ key: StaticString) {
    key.withUTF8Buffer { appendQuoted(UnsafeRawBufferPointer($0), isKey: true) }
    needsComma = false
  }

  /// Ends the line; the next value begins a new one.
  package mutating func endLine() {
    bytes.append(UInt8(ascii: "\n"))
    needsComma = false
  }

  // MARK: Values

  /// A string. U+0000, which no reader accepts, becomes U+FFFD.
  package mutating func string(_ string: String) {
    var string = string
    string.withUTF8 { appendQuoted(UnsafeRawBufferPointer($0), isKey: false) }
  }

  /// A string from its UTF-8. Malformed sequences and U+0000 become U+FFFD.
  package mutating func string(utf8: UnsafeRawBufferPointer) {
    guard UTF8Sequence.isWellFormed(utf8) else { return string(String(decoding: utf8, as: UTF8.self)) }
    appendQuoted(utf8, isKey: false)
  }

  /// A string from its UTF-8. Malformed sequences and U+0000 become U+FFFD.
  @inlinable
  package mutating func string(utf8: some Sequence<UInt8>) {
    let isWritten: Void? = utf8.withContiguousStorageIfAvailable { string(utf8: UnsafeRawBufferPointer($0)) }
    if isWritten == nil { Array(utf8).withUnsafeBytes { string(utf8: $0) } }
  }

  /// A string whose contents `append` adds unescaped: digits and letters only.
  @inlinable
  package mutating func hex(_ append: (inout [UInt8]) -> Void) {
    beginRawString()
    append(&bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  package mutating func integer(_ value: Int64) { appendDecimal(value) }

  package mutating func integer(_ value: Int) { appendDecimal(Int64(value)) }

  /// An integer, clamped to 64 bits with a sign: no reader accepts others.
  @inlinable
  package mutating func integer(_ value: some FixedWidthInteger) { integer(Int64(clamping: value)) }

  /// The shortest text that reads as the same double; `null` if it is not finite.
  package mutating func real(_ value: Double) {
    guard value.isFinite else { return null() }
    separate()
    bytes.append(contentsOf: value.description.utf8)
  }

  package mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

  package mutating func null() { literal("null") }

  /// A value that is written unchanged. It must be valid JSON.
  package mutating func literal(_ literal: StaticString) {
    separate()
    literal.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  // MARK: Members

  package mutating func member(_ key: StaticString, _ value: String) {
    self.key(key)
    string(value)
  }

  package mutating func member(_ key: StaticString, _ value: Int64) {
    self.key(key)
    appendDecimal(value)
  }

  package mutating func member(_ key: StaticString, _ value: Int) {
    self.key(key)
    appendDecimal(Int64(value))
  }

  /// An integer, clamped to 64 bits with a sign: no reader accepts others.
  @inlinable
  package mutating func member(_ key: StaticString, _ value: some FixedWidthInteger) {
    self.key(key)
    integer(Int64(clamping: value))
  }

  package mutating func member(_ key: StaticString, _ value: Bool) {
    self.key(key)
    bool(value)
  }

  // MARK: Ready bytes

  /// Room for a text of so many bytes with its quotation marks.
  package static func quotedRoom(_ count: Int) -> Int { 6 * count + 2 }

  /// Puts a text with its quotation marks at a place that has the room.
  /// - Returns: the number of bytes.
  package static func putQuoted(_ text: UnsafeRawBufferPointer, at place: UnsafeMutablePointer<UInt8>) -> Int {
    place[0] = UInt8(ascii: "\"")
    guard let base = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
      place[1] = UInt8(ascii: "\"")
      return 2
    }
    guard StringRun.end(in: base, from: 0, to: text.count, passingNonASCII: true) == text.count else {
      var writer = JSONWriter()
      writer.appendQuoted(text, isKey: false)
      place.initialize(from: writer.bytes, count: writer.bytes.count)
      return writer.bytes.count
    }
    (place + 1).initialize(from: base, count: text.count)
    place[text.count + 1] = UInt8(ascii: "\"")
    return text.count + 2
  }

  // MARK: Bytes

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  @inline(__always)
  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  @usableFromInline
  mutating func beginRawString() {
    separate()
    bytes.append(UInt8(ascii: "\""))
  }

  /// A string, or a key with its colon; in one piece if nothing needs an escape.
  private mutating func appendQuoted(_ text: UnsafeRawBufferPointer, isKey: Bool) {
    guard let base = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
      separate()
      bytes.append(contentsOf: isKey ? "\"\":".utf8 : "\"\"".utf8)
      return
    }
    let run = StringRun.end(in: base, from: 0, to: text.count, passingNonASCII: true)
    guard run == text.count else { return appendEscaped(base, count: text.count, firstRun: run, isKey: isKey) }
    let comma = needsComma
    // Room for the comma, two quotation marks and the colon.
    appendRaw(atMost: run + 4) { target in
      var cursor = target
      if comma { Self.put(UInt8(ascii: ","), at: &cursor) }
      Self.put(UInt8(ascii: "\""), at: &cursor)
      cursor.initialize(from: base, count: run)
      cursor += run
      Self.put(UInt8(ascii: "\""), at: &cursor)
      if isKey { Self.put(UInt8(ascii: ":"), at: &cursor) }
      return cursor - target
    }
    needsComma = true
  }

  private mutating func appendEscaped(_ text: UnsafePointer<UInt8>, count: Int, firstRun: Int, isKey: Bool) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    var offset = 0
    var run = firstRun
    while true {
      bytes.append(contentsOf: UnsafeBufferPointer(start: text + offset, count: run - offset))
      guard run < count else { break }
      appendEscape(text[run])
      offset = run + 1
      run = StringRun.end(in: text, from: offset, to: count, passingNonASCII: true)
    }
    bytes.append(contentsOf: isKey ? "\":".utf8 : "\"".utf8)
  }

  /// What RFC 8259 section 7 demands and no more: quotation mark, backslash, control characters.
  private mutating func appendEscape(_ byte: UInt8) {
    switch byte {
    case 0x00: bytes.append(contentsOf: UTF8.encodedReplacementCharacter)
    case 0x08: bytes.append(contentsOf: "\\b".utf8)
    case 0x09: bytes.append(contentsOf: "\\t".utf8)
    case 0x0A: bytes.append(contentsOf: "\\n".utf8)
    case 0x0C: bytes.append(contentsOf: "\\f".utf8)
    case 0x0D: bytes.append(contentsOf: "\\r".utf8)
    case 0x01...0x1F:
      bytes.append(contentsOf: "\\u00".utf8)
      bytes.append(0x30 + byte >> 4)
      bytes.append(byte & 0xF < 10 ? 0x30 + byte & 0xF : 0x57 + byte & 0xF)
    default:
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    }
  }

  private mutating func appendDecimal(_ value: Int64) {
    let comma = needsComma
    // The comma, the sign and 19 digits.
    appendRaw(atMost: 21) { target in
      var cursor = target
      if comma { Self.put(UInt8(ascii: ","), at: &cursor) }
      if value < 0 { Self.put(UInt8(ascii: "-"), at: &cursor) }
      var rest = value.magnitude
      let digits = Self.digitCount(of: rest)
      for place in stride(from: digits - 1, through: 0, by: -1) {
        (cursor + place).initialize(to: 0x30 + UInt8(truncatingIfNeeded: rest % 10))
        rest /= 10
      }
      return cursor + digits - target
    }
    needsComma = true
  }

  private static func digitCount(of value: UInt64) -> Int {
    var count = 1
    var rest = value
    while rest >= 10 {
      rest /= 10
      count += 1
    }
    return count
  }

  /// Lets `write` append up to `capacity` bytes; it returns their number.
  @inline(__always)
  private mutating func appendRaw(atMost capacity: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Int) {
    bytes.append(addingCapacity: capacity) { span in
      span.withUnsafeMutableBufferPointer { buffer, count in
        if let base = buffer.baseAddress { count += write(base + count) }
      }
    }
  }

  @inline(__always)
  private static func put(_ byte: UInt8, at cursor: inout UnsafeMutablePointer<UInt8>) {
    cursor.initialize(to: byte)
    cursor += 1
  }
}
