/// Writes JSON straight into a buffer that is kept from line to line; sets the commas itself.
///
/// Pairing `begin…` with `end…` and keys with values is up to the caller. What comes out can be read by ``JSONReader`` and
/// by jansson, provided that no object gets a name twice.
package struct JSONWriter: Sendable {
  /// All that was written; empty it with `removeAll(keepingCapacity: true)`.
  package var bytes: [UInt8]
  /// A value stands before the next one in the same container.
  private var needsComma = false

  package init(reservingCapacity capacity: Int = 0) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  // MARK: Structure

  package mutating func beginObject() { open(UInt8(ascii: "{")) }

  package mutating func endObject() { close(UInt8(ascii: "}")) }

  package mutating func beginArray() { open(UInt8(ascii: "[")) }

  package mutating func endArray() { close(UInt8(ascii: "]")) }

  /// The name of the member whose value comes next.
  package mutating func key(_ key: StaticString) {
    separate()
    key.withUTF8Buffer { appendQuoted(UnsafeRawBufferPointer($0)) }
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// Ends the line; the next value begins a new one.
  package mutating func endLine() {
    bytes.append(UInt8(ascii: "\n"))
    needsComma = false
  }

  // MARK: Values

  /// A string; U+0000, which no reader takes, is written as U+FFFD.
  package mutating func string(_ string: String) {
    separate()
    var string = string
    string.withUTF8 { appendQuoted(UnsafeRawBufferPointer($0)) }
  }

  /// A string from its UTF-8; what is not well-formed is written as U+FFFD, and so is U+0000.
  package mutating func string(utf8: UnsafeRawBufferPointer) {
    guard UTF8Sequence.isWellFormed(utf8) else { return string(String(decoding: utf8, as: UTF8.self)) }
    separate()
    appendQuoted(utf8)
  }

  /// A string from its UTF-8; what is not well-formed is written as U+FFFD, and so is U+0000.
  @inlinable
  package mutating func string(utf8: some Sequence<UInt8>) {
    let isWritten: Void? = utf8.withContiguousStorageIfAvailable { string(utf8: UnsafeRawBufferPointer($0)) }
    if isWritten == nil { Array(utf8).withUnsafeBytes { string(utf8: $0) } }
  }

  /// A string whose contents `append` adds as they are: digits, letters, nothing that JSON escapes.
  @inlinable
  package mutating func hex(_ append: (inout [UInt8]) -> Void) {
    beginRawString()
    append(&bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  package mutating func integer(_ value: Int64) {
    separate()
    appendDecimal(value)
  }

  /// An integer; what does not fit 64 bits with a sign, which no reader takes, is written as the nearest that does.
  @inlinable
  package mutating func integer(_ value: some FixedWidthInteger) { integer(Int64(clamping: value)) }

  /// The shortest text that gives the same double; `null` for what is not finite.
  package mutating func real(_ value: Double) {
    guard value.isFinite else { return null() }
    separate()
    bytes.append(contentsOf: value.description.utf8)
  }

  package mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

  package mutating func null() { literal("null") }

  /// A value that is written as it is; valid JSON is up to the caller.
  package mutating func literal(_ literal: StaticString) {
    separate()
    literal.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  // MARK: Members

  package mutating func member(_ key: StaticString, _ value: String) {
    self.key(key)
    string(value)
  }

  /// An integer as ``integer(_:)-(FixedWidthInteger)`` writes it.
  @inlinable
  package mutating func member(_ key: StaticString, _ value: some FixedWidthInteger) {
    self.key(key)
    integer(Int64(clamping: value))
  }

  package mutating func member(_ key: StaticString, _ value: Bool) {
    self.key(key)
    bool(value)
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

  private mutating func appendQuoted(_ text: UnsafeRawBufferPointer) {
    bytes.append(UInt8(ascii: "\""))
    if let base = text.baseAddress?.assumingMemoryBound(to: UInt8.self) {
      appendEscaped(base, count: text.count)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func appendEscaped(_ text: UnsafePointer<UInt8>, count: Int) {
    var offset = 0
    while true {
      let run = StringRun.end(in: text, from: offset, to: count, passingNonASCII: true)
      bytes.append(contentsOf: UnsafeBufferPointer(start: text + offset, count: run - offset))
      guard run < count else { return }
      appendEscape(text[run])
      offset = run + 1
    }
  }

  /// What RFC 8259 section 7 demands and no more: quotation mark, backslash, control characters.
  private mutating func appendEscape(_ byte: UInt8) {
    switch byte {
    case 0x00: bytes.append(contentsOf: UTF8.encodedReplacementCharacter)
    case 0x08: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "b")])
    case 0x09: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
    case 0x0A: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
    case 0x0C: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "f")])
    case 0x0D: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
    case 0x01...0x1F:
      bytes.append(contentsOf: "\\u00".utf8)
      bytes.append(0x30 + byte >> 4)
      bytes.append(byte & 0xF < 10 ? 0x30 + byte & 0xF : 0x57 + byte & 0xF)
    default: bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
    }
  }

  private mutating func appendDecimal(_ value: Int64) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    var rest = value.magnitude
    // 2^64 has 20 digits.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var first = digits.count
      repeat {
        first -= 1
        digits.initializeElement(at: first, to: 0x30 + UInt8(truncatingIfNeeded: rest % 10))
        rest /= 10
      } while rest > 0
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[first...]))
    }
  }
}
