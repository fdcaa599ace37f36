// SPDX-License-Identifier: Apache-2.0

/// What must be known of a line before jansson is let loose on it.
enum JanssonPrecheck {
  /// Refuses brackets outside strings nested too deep, because the parser is recursive, and any raw U+0000, because
  /// jansson 2.14 skips one that follows a number or a literal (its stream takes it for the end of its buffer).
  static func check(_ line: [UInt8], maximumDepth: Int) throws(JSONSyntaxError) {
    var depth = 0
    var isInString = false
    var isEscaped = false
    for (offset, byte) in line.enumerated() {
      if byte == 0 { throw JSONSyntaxError(offset: offset, reason: .nulCharacter) }
      if isInString {
        isInString = isEscaped || byte != UInt8(ascii: "\"")
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): isInString = true
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      default: break
      }
      guard depth <= maximumDepth else { throw JSONSyntaxError(offset: offset, reason: .tooDeep) }
    }
  }
}
