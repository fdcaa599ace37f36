// SPDX-License-Identifier: Apache-2.0

/// Strict reader of one line of JSON: validates the whole line in one pass, then gives access to its values in place.
///
/// A line is an object (RFC 8259) that starts at the first byte, in UTF-8 without NUL, nested at most `maximumDepth` deep,
/// without duplicate names, with 64-bit integers and finite reals. The tape is kept from line to line, so reading most
/// lines allocates nothing: share one reader among many connections.
package struct JSONReader: Sendable {
  /// A longer tape (1 MiB) is not kept for the next line.
  private static let keptTokens = 1 << 16

  private let maximumDepth: Int
  @usableFromInline var tape: [JSONToken] = []
  private var duplicates = DuplicateKeys()

  /// - Parameter maximumDepth: maximum nesting of objects and arrays; the line's own object is 1.
  package init(maximumDepth: Int = 32) {
    self.maximumDepth = maximumDepth
  }

  /// Reads a line (without its newline) and hands its object to `body`.
  ///
  /// The object and everything taken from it as a view are valid only inside `body`.
  /// - Throws: ``JSONSyntaxError`` before `body` is called, or what `body` throws.
  @inlinable
  package mutating func read<Result>(
    _ line: UnsafeRawBufferPointer, _ body: (JSONObject) throws -> Result
  ) throws -> Result {
    try scan(line)
    defer { releaseLongTape() }
    return try tape.withUnsafeBufferPointer { tape in
      guard let tokens = tape.baseAddress, let bytes = line.baseAddress else {
        throw JSONSyntaxError(offset: 0, reason: .unexpectedEnd)
      }
      return try body(
        JSONObject(bytes: bytes.assumingMemoryBound(to: UInt8.self), tokens: tokens, index: 0))
    }
  }

  /// Reads a line (without its newline) and hands its object to `body`.
  ///
  /// The object and everything taken from it as a view are valid only inside `body`.
  /// - Throws: ``JSONSyntaxError`` before `body` is called, or what `body` throws.
  @inlinable
  package mutating func read<Result>(_ line: [UInt8], _ body: (JSONObject) throws -> Result) throws -> Result {
    try line.withUnsafeBytes { bytes in try read(bytes, body) }
  }

  @usableFromInline
  mutating func scan(_ line: UnsafeRawBufferPointer) throws(JSONSyntaxError) {
    // Offsets on the tape have 32 bits.
    guard line.count < Int(Int32.max) else { throw JSONSyntaxError(offset: Int(Int32.max), reason: .tooLong) }
    guard let base = line.baseAddress else { throw JSONSyntaxError(offset: 0, reason: .unexpectedEnd) }
    let scratch = takeScratch()
    var scanner = LineScanner(
      bytes: base.assumingMemoryBound(to: UInt8.self), count: line.count, maximumDepth: maximumDepth,
      tape: scratch.tape, duplicates: scratch.duplicates)
    defer {
      tape = scanner.tape
      duplicates = scanner.duplicates
    }
    try scanner.scanLine()
  }

  @usableFromInline
  mutating func releaseLongTape() {
    if tape.capacity > Self.keptTokens { tape = [] }
  }

  /// Moves tape and table out: the scanner must be their only owner, or its first write copies them.
  private mutating func takeScratch() -> (tape: [JSONToken], duplicates: DuplicateKeys) {
    var taken: (tape: [JSONToken], duplicates: DuplicateKeys) = ([], DuplicateKeys())
    swap(&taken.tape, &tape)
    swap(&taken.duplicates, &duplicates)
    taken.tape.removeAll(keepingCapacity: true)
    return taken
  }
}

/// Why a line is refused, and where.
package struct JSONSyntaxError: Error, Hashable, Sendable {
  /// Why a line is refused: a closed list.
  package enum Reason: String, Hashable, Sendable, CaseIterable {
    /// The line ends inside a value.
    case unexpectedEnd = "unexpected end"
    /// A byte that the grammar of RFC 8259 does not allow here.
    case unexpectedByte = "unexpected byte"
    /// The line does not begin with an object.
    case notAnObject = "not an object"
    /// Something other than white space follows the object.
    case trailingBytes = "bytes after the object"
    /// Not one of the eight escapes and `\uXXXX` (RFC 8259 section 7).
    case invalidEscape = "invalid escape"
    /// Half of a surrogate pair.
    case unpairedSurrogate = "unpaired surrogate"
    /// U+0000, raw or escaped.
    case nulCharacter = "NUL character"
    /// A raw control character inside a string.
    case controlCharacter = "control character in a string"
    /// Malformed UTF-8 (RFC 3629): overlong, a surrogate, above U+10FFFF, or truncated.
    case invalidUTF8 = "invalid UTF-8"
    /// A number that the grammar does not allow.
    case invalidNumber = "invalid number"
    /// An integer that does not fit 64 bits, or a real beyond the range of a double.
    case numberOutOfRange = "number out of range"
    /// Two members of one object have the same name.
    case duplicateKey = "duplicate key"
    /// Objects and arrays nested deeper than allowed.
    case tooDeep = "nested too deep"
    /// Longer than allowed.
    case tooLong = "too long"
    /// No memory for the value.
    case outOfMemory = "out of memory"
  }

  /// Bytes from the beginning of the line to the fault.
  package let offset: Int
  package let reason: Reason

  package init(offset: Int, reason: Reason) {
    self.offset = offset
    self.reason = reason
  }
}

extension JSONSyntaxError: CustomStringConvertible {
  package var description: String { "\(reason.rawValue) at byte \(offset)" }
}
