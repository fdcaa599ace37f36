// SPDX-License-Identifier: Apache-2.0

/// Why a line is not taken, and where.
package struct JSONSyntaxError: Error, Hashable, Sendable {
  /// Why a line is not taken: a closed list.
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
    /// Not UTF-8 as RFC 3629 has it: overlong, a surrogate, above U+10FFFF, or cut off.
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

  /// Bytes from the beginning of the line to where the fault was seen.
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
