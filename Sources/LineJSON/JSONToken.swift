// SPDX-License-Identifier: Apache-2.0

/// The kinds of JSON values; a number with a fraction or an exponent is a real, `1.0` too.
@usableFromInline
package enum JSONKind: UInt8, Hashable, Sendable, BitwiseCopyable {
  case object
  case array
  case string
  case integer
  case real
  case `true`
  case `false`
  case null
}

/// One entry of the tape that reading a line leaves: 16 bytes.
///
/// A container is followed by all that it contains; in an object keys (strings) and values alternate.
@usableFromInline
struct JSONToken: BitwiseCopyable, Sendable {
  /// Offset of the first byte; of a string the byte after its quotation mark.
  @usableFromInline var start: UInt32
  /// Offset after the last byte, the closing quotation mark left out; of a container the number of its members.
  @usableFromInline var end: UInt32
  /// Index of the token after this value and all inside it. While a container is open: the index of its parent. Of a key,
  /// where the object has been searched for duplicates by hash: the hash.
  @usableFromInline var next: UInt32
  @usableFromInline let kind: JSONKind
  /// A string with at least one backslash: its bytes are not its value.
  @usableFromInline var hasEscapes = false

  init(kind: JSONKind, start: Int, end: Int, next: Int, hasEscapes: Bool = false) {
    self.kind = kind
    self.start = UInt32(truncatingIfNeeded: start)
    self.end = UInt32(truncatingIfNeeded: end)
    self.next = UInt32(truncatingIfNeeded: next)
    self.hasEscapes = hasEscapes
  }
}
