// SPDX-License-Identifier: Apache-2.0

/// Scans one line in one pass: validates it and fills the tape.
///
/// Every read is checked against `end`. The grammar is RFC 8259. The additional rules (no duplicate names, no NUL, 64-bit
/// integers, finite reals) are those of jansson with `JSON_REJECT_DUPLICATES`, which is the oracle in the tests.
struct LineScanner {
  let bytes: UnsafePointer<UInt8>
  let end: Int
  let maximumDepth: Int
  var offset = 0
  var tape: [JSONToken]
  var duplicates: DuplicateKeys
  /// Index of the innermost open container; -1 outside.
  private var open = -1
  private var depth = 0
  private var isInObject = false

  init(
    bytes: UnsafePointer<UInt8>, count: Int, maximumDepth: Int, tape: consuming [JSONToken],
    duplicates: consuming DuplicateKeys
  ) {
    self.bytes = bytes
    self.end = count
    self.maximumDepth = maximumDepth
    self.tape = tape
    self.duplicates = duplicates
  }

  mutating func scanLine() throws(JSONSyntaxError) {
    guard end > 0 else { throw error(.unexpectedEnd) }
    // No white space before it: the first byte of a connection tells protocols apart.
    guard bytes[0] == UInt8(ascii: "{") else { throw error(.notAnObject) }
    try openContainer(.object)
    var isFirst = true
    while open >= 0 {
      if try closesContainer(isFirst: isFirst) {
        try closeContainer()
        isFirst = false
      } else {
        if isInObject { try scanKey() }
        isFirst = try scanValue()
      }
    }
    skipWhitespace()
    guard offset == end else { throw error(.trailingBytes) }
  }

  /// Consumes the closing bracket or, before every element but the first, the comma.
  @inline(__always)
  private mutating func closesContainer(isFirst: Bool) throws(JSONSyntaxError) -> Bool {
    let byte = try nextSignificantByte()
    if byte == (isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
      offset &+= 1
      return true
    }
    if !isFirst {
      guard byte == UInt8(ascii: ",") else { throw error(.unexpectedByte) }
      offset &+= 1
    }
    return false
  }

  private mutating func openContainer(_ kind: JSONKind) throws(JSONSyntaxError) {
    guard depth < maximumDepth else { throw error(.tooDeep) }
    depth &+= 1
    tape.append(JSONToken(kind: kind, start: offset, end: 0, next: open))
    open = tape.count &- 1
    isInObject = kind == .object
    offset &+= 1
  }

  private mutating func closeContainer() throws(JSONSyntaxError) {
    let closed = open
    let parent = tape[closed].next
    if isInObject, tape[closed].end > 1 {
      try duplicates.check(object: closed, tape: &tape, bytes: bytes)
    }
    tape[closed].next = UInt32(truncatingIfNeeded: tape.count)
    depth &-= 1
    // The outermost container was opened with -1.
    open = depth == 0 ? -1 : Int(parent)
    isInObject = open >= 0 && tape[open].kind == .object
  }

  private mutating func scanKey() throws(JSONSyntaxError) {
    guard try nextSignificantByte() == UInt8(ascii: "\"") else { throw error(.unexpectedByte) }
    try scanString()
    guard try nextSignificantByte() == UInt8(ascii: ":") else { throw error(.unexpectedByte) }
    offset &+= 1
  }

  /// True if the value is a container, which is now open.
  private mutating func scanValue() throws(JSONSyntaxError) -> Bool {
    let byte = try nextSignificantByte()
    tape[open].end &+= 1
    switch byte {
    case UInt8(ascii: "\""): try scanString()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try scanNumber()
    case UInt8(ascii: "t"): try scanLiteral("true", .true)
    case UInt8(ascii: "f"): try scanLiteral("false", .false)
    case UInt8(ascii: "n"): try scanLiteral("null", .null)
    case UInt8(ascii: "{"):
      try openContainer(.object)
      return true
    case UInt8(ascii: "["):
      try openContainer(.array)
      return true
    default: throw error(.unexpectedByte)
    }
    return false
  }

  private mutating func scanLiteral(_ literal: StaticString, _ kind: JSONKind) throws(JSONSyntaxError) {
    let start = offset
    let length = literal.utf8CodeUnitCount
    for index in 0..<length {
      guard offset < end else { throw error(.unexpectedEnd) }
      guard bytes[offset] == literal.utf8Start[index] else { throw error(.unexpectedByte) }
      offset &+= 1
    }
    append(kind, from: start)
  }

  // MARK: Bytes

  @inline(__always)
  mutating func append(_ kind: JSONKind, from start: Int) {
    tape.append(JSONToken(kind: kind, start: start, end: offset, next: tape.count &+ 1))
  }

  /// The byte at `offset` after white space (RFC 8259 section 2).
  @inline(__always)
  private mutating func nextSignificantByte() throws(JSONSyntaxError) -> UInt8 {
    skipWhitespace()
    guard offset < end else { throw error(.unexpectedEnd) }
    return bytes[offset]
  }

  @inline(__always)
  private mutating func skipWhitespace() {
    while offset < end, bytes[offset] <= 0x20 {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset &+= 1
      default: return
      }
    }
  }

  func error(_ reason: JSONSyntaxError.Reason) -> JSONSyntaxError {
    JSONSyntaxError(offset: offset, reason: reason)
  }
}
