// SPDX-License-Identifier: Apache-2.0

/// A value of a line that is being read; valid only inside the closure of ``JSONReader/read(_:_:)-(UnsafeRawBufferPointer,_)``.
package struct JSONValueView {
  @usableFromInline let bytes: UnsafePointer<UInt8>
  @usableFromInline let tokens: UnsafePointer<JSONToken>
  @usableFromInline let index: Int

  @inlinable
  init(bytes: UnsafePointer<UInt8>, tokens: UnsafePointer<JSONToken>, index: Int) {
    self.bytes = bytes
    self.tokens = tokens
    self.index = index
  }

  @inlinable package var kind: JSONKind { tokens[index].kind }

  /// The text of a string; `nil` for any other kind.
  package var string: String? { withString { String(decoding: $0, as: UTF8.self) } }

  /// Whether it is this string.
  package func isEqual(to text: StaticString) -> Bool {
    withString { bytes in
      guard bytes.count == text.utf8CodeUnitCount, let base = bytes.baseAddress else {
        return bytes.count == text.utf8CodeUnitCount
      }
      return ByteComparison.areEqual(
        base.assumingMemoryBound(to: UInt8.self), text.utf8Start, count: bytes.count)
    } ?? false
  }

  /// `nil` for any other kind, a real such as `1.0` included.
  package var integer: Int64? {
    guard kind == .integer else { return nil }
    return NumberText.integer(bytes, from: Int(tokens[index].start), to: Int(tokens[index].end))
  }

  /// The value of a real, rounded to a double; `nil` for any other kind, integers included.
  package var real: Double? {
    guard kind == .real else { return nil }
    return NumberText.real(bytes, from: Int(tokens[index].start), to: Int(tokens[index].end))
  }

  @inlinable package var bool: Bool? {
    switch kind {
    case .true: true
    case .false: false
    default: nil
    }
  }

  @inlinable package var object: JSONObject? {
    kind == .object ? JSONObject(bytes: bytes, tokens: tokens, index: index) : nil
  }

  @inlinable package var array: JSONArray? {
    kind == .array ? JSONArray(bytes: bytes, tokens: tokens, index: index) : nil
  }

  /// Hands the UTF-8 of a string, escapes resolved, to `body`; `nil` where the value is no string.
  ///
  /// Allocates only where the string has escapes. The bytes are valid only inside `body`.
  @inlinable
  package func withString<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result? {
    guard kind == .string else { return nil }
    if tokens[index].hasEscapes {
      return try unescapedBytes().withUnsafeBytes(body)
    }
    let start = Int(tokens[index].start)
    return try body(UnsafeRawBufferPointer(start: bytes + start, count: Int(tokens[index].end) - start))
  }

  @usableFromInline
  func unescapedBytes() -> [UInt8] {
    StringEscapes.unescaped(bytes, from: Int(tokens[index].start), to: Int(tokens[index].end))
  }
}
