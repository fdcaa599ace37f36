/// How deep brackets outside strings are nested: known before a recursive parser is let loose on them.
enum BracketDepth {
  static func check(_ line: [UInt8], maximumDepth: Int) throws(JSONSyntaxError) {
    var depth = 0
    var isInString = false
    var isEscaped = false
    for (offset, byte) in line.enumerated() {
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
