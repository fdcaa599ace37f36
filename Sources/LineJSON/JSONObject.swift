// SPDX-License-Identifier: Apache-2.0

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

  /// The member's value; `nil` where there is none. Compares with each name in turn.
  package subscript(_ key: StaticString) -> JSONValueView? {
    key.withUTF8Buffer { key in
      var member = index + 1
      for _ in 0..<count {
        if isName(at: member, equalTo: key) { return view(member + 1) }
        member = Int(tokens[member + 1].next)
      }
      return nil
    }
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
  private func isName(at member: Int, equalTo key: UnsafeBufferPointer<UInt8>) -> Bool {
    let name = tokens[member]
    if name.hasEscapes { return view(member).unescapedBytes().elementsEqual(key) }
    let length = Int(name.end &- name.start)
    guard length == key.count, let base = key.baseAddress else { return length == key.count }
    return ByteComparison.areEqual(bytes + Int(name.start), base, count: length)
  }
}
