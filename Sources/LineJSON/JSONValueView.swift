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

  /// Hands the UTF-8 of a string, escapes resolved, to `body`; `nil` if the value is not a string.
  ///
  /// Allocates only if the string has escapes. The bytes are valid only inside `body`.
  @inlinable
  package func withString<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result? {
    guard kind == .string else { return nil }
    if tokens[index].hasEscapes {
      return try unescapedBytes().withUnsafeBytes(body)
    }
    let start = Int(tokens[index].start)
    return try body(UnsafeRawBufferPointer(start: bytes + start, count: Int(tokens[index].end) - start))
  }

  /// The UTF-8 of a string without escapes, where it is; `nil` for anything else.
  package var plainText: UnsafeRawBufferPointer? {
    let token = tokens[index]
    guard token.kind == .string, !token.hasEscapes else { return nil }
    return UnsafeRawBufferPointer(start: bytes + Int(token.start), count: Int(token.end &- token.start))
  }

  @usableFromInline
  func unescapedBytes() -> [UInt8] {
    StringEscapes.unescaped(bytes, from: Int(tokens[index].start), to: Int(tokens[index].end))
  }
}

/// An object of a line that is being read; valid only inside the closure of ``JSONReader/read(_:_:)-(UnsafeRawBufferPointer,_)``.
package struct JSONObject {
  @usableFromInline let bytes: UnsafePointer<UInt8>
  @usableFromInline let tokens: UnsafePointer<JSONToken>
  @usableFromInline let index: Int

  @inlinable
  init(bytes: UnsafePointer<UInt8>, tokens: UnsafePointer<JSONToken>, index: Int) {
    self.bytes = bytes
    self.tokens = tokens
    self.index = index
  }

  /// The number of members.
  @inlinable package var count: Int { Int(tokens[index].end) }

  /// The member's value; `nil` if there is none. Compares with each name in turn.
  package subscript(_ key: StaticString) -> JSONValueView? {
    let (name, length) = (key.utf8Start, key.utf8CodeUnitCount)
    var member = index &+ 1
    for _ in 0..<count {
      if isName(tokens[member], name, length) { return view(member &+ 1) }
      member = Int(tokens[member &+ 1].next)
    }
    return nil
  }

  /// Calls `body` with every member in the order of the line.
  package func forEach(_ body: (String, JSONValueView) throws -> Void) rethrows {
    var member = index + 1
    for _ in 0..<count {
      try body(view(member).string ?? "", view(member + 1))
      member = Int(tokens[member + 1].next)
    }
  }

  private func view(_ index: Int) -> JSONValueView {
    JSONValueView(bytes: bytes, tokens: tokens, index: index)
  }

  @inline(__always)
  private func isName(_ token: JSONToken, _ name: UnsafePointer<UInt8>, _ length: Int) -> Bool {
    let (start, end) = (Int(token.start), Int(token.end))
    if token.hasEscapes {
      let unescaped = StringEscapes.unescaped(bytes, from: start, to: end)
      return unescaped.elementsEqual(UnsafeBufferPointer(start: name, count: length))
    }
    return end &- start == length && ByteComparison.areEqual(bytes + start, name, count: length)
  }
}

/// An array of a line that is being read; valid only inside the closure of ``JSONReader/read(_:_:)-(UnsafeRawBufferPointer,_)``.
package struct JSONArray: Sequence {
  /// Visits the elements once.
  package struct Iterator: IteratorProtocol {
    @usableFromInline var view: JSONValueView
    @usableFromInline var left: Int

    @inlinable
    init(_ array: JSONArray) {
      view = JSONValueView(bytes: array.bytes, tokens: array.tokens, index: array.index + 1)
      left = array.count
    }

    @inlinable
    package mutating func next() -> JSONValueView? {
      guard left > 0 else { return nil }
      left -= 1
      let element = view
      view = JSONValueView(
        bytes: element.bytes, tokens: element.tokens, index: Int(element.tokens[element.index].next))
      return element
    }
  }

  @usableFromInline let bytes: UnsafePointer<UInt8>
  @usableFromInline let tokens: UnsafePointer<JSONToken>
  @usableFromInline let index: Int

  @inlinable
  init(bytes: UnsafePointer<UInt8>, tokens: UnsafePointer<JSONToken>, index: Int) {
    self.bytes = bytes
    self.tokens = tokens
    self.index = index
  }

  /// The number of elements.
  @inlinable package var count: Int { Int(tokens[index].end) }

  @inlinable package var underestimatedCount: Int { count }

  @inlinable
  package func makeIterator() -> Iterator { Iterator(self) }
}

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

/// One entry of the tape, the result of scanning a line: 16 bytes.
///
/// The contents of a container follow it; in an object keys (strings) and values alternate.
@usableFromInline
struct JSONToken: BitwiseCopyable, Sendable {
  /// Offset of the first byte; for a string, of the byte after its quotation mark.
  @usableFromInline var start: UInt32
  /// Offset after the last byte, without the closing quotation mark; for a container, the number of its members.
  @usableFromInline var end: UInt32
  /// Index of the token after this value and its contents. While a container is open: the index of its parent. For a
  /// key, once the object was searched for duplicates by hash: the hash.
  @usableFromInline var next: UInt32
  @usableFromInline let kind: JSONKind
  /// The string has at least one escape: its bytes are not its value.
  @usableFromInline var hasEscapes = false

  init(kind: JSONKind, start: Int, end: Int, next: Int, hasEscapes: Bool = false) {
    self.kind = kind
    self.start = UInt32(truncatingIfNeeded: start)
    self.end = UInt32(truncatingIfNeeded: end)
    self.next = UInt32(truncatingIfNeeded: next)
    self.hasEscapes = hasEscapes
  }
}
