// SPDX-License-Identifier: Apache-2.0

/// Why a value cannot be written as a line.
package enum JSONEncodingError: String, Error, Hashable, Sendable {
  /// A line is an object.
  case notAnObject = "not an object"
  /// Objects and arrays nested deeper than any reader takes.
  case tooDeep = "nested too deep"
  /// A string or a name contains U+0000, which no reader takes.
  case nulCharacter = "NUL character"
  /// JSON has neither infinities nor NaN.
  case notFinite = "not a finite number"
  case outOfMemory = "out of memory"
}
