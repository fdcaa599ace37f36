// SPDX-License-Identifier: Apache-2.0

/// Strict reader of one line of JSON: validates the whole line in one pass, then lets its values be looked at in place.
///
/// Taken is an object as RFC 8259 has it, from the first byte on, in UTF-8 without NUL, nested at most `maximumDepth` deep, with no name twice in
/// an object, integers that fit 64 bits and finite reals. The tape is kept from line to line, so that reading usual
/// lines allocates nothing: use one reader for many connections rather than one for each.
package struct JSONReader: Sendable {
  /// A longer tape (1 MiB) is not kept for the next line.
  private static let keptTokens = 1 << 16

  private let maximumDepth: Int
  @usableFromInline var tape: [JSONToken] = []
  private var duplicates = DuplicateKeys()

  /// - Parameter maximumDepth: how deep objects and arrays may be nested; the line's own object is 1.
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
    var scanner = LineScanner(
      bytes: base.assumingMemoryBound(to: UInt8.self), count: line.count, maximumDepth: maximumDepth,
      tape: takeTape(), duplicates: duplicates)
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

  /// Moved out, so that the scanner is its only owner.
  private mutating func takeTape() -> [JSONToken] {
    var taken: [JSONToken] = []
    swap(&taken, &tape)
    taken.removeAll(keepingCapacity: true)
    return taken
  }
}
