// SPDX-License-Identifier: Apache-2.0

/// An array of a line that is being read; valid only inside the closure of ``JSONReader/read(_:_:)-(UnsafeRawBufferPointer,_)``.
package struct JSONArray: Sequence {
  /// Walks over the elements once.
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
