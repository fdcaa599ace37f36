// SPDX-License-Identifier: Apache-2.0

import CJansson

/// Builds jansson's tree of a value. A failure leaks nothing.
enum JanssonBuilder {
  private static let maximumDepth = 32

  /// - Parameter depth: the containers around the value.
  static func tree(of value: JSONValue, depth: Int) throws(JSONEncodingError) -> JanssonTree {
    switch value {
    case .object(let members): try object(members, depth: depth + 1)
    case .array(let elements): try array(elements, depth: depth + 1)
    case .string(let text): try string(text)
    case .integer(let number): try owned(json_integer(json_int_t(number)))
    case .real(let number): try real(number)
    case .bool(let value): try owned(value ? json_true() : json_false())
    case .null: try owned(json_null())
    }
  }

  private static func object(_ members: JSONMembers, depth: Int) throws(JSONEncodingError) -> JanssonTree {
    guard depth <= maximumDepth else { throw .tooDeep }
    let object = try owned(json_object())
    for member in members {
      let value = try tree(of: member.value, depth: depth)
      try set(member.key, of: object, to: value)
    }
    return object
  }

  private static func set(
    _ key: String, of object: borrowing JanssonTree, to value: consuming JanssonTree
  ) throws(JSONEncodingError) {
    let text = try checked(key)
    // Takes ownership of the value even if it fails.
    let value = value.release()
    let status = object.withRoot { root in
      text.withUnsafeBufferPointer { text in
        text.withMemoryRebound(to: CChar.self) {
          json_object_setn_new_nocheck(root, $0.baseAddress, $0.count - 1, value)
        }
      }
    }
    guard status == 0 else { throw .outOfMemory }
  }

  private static func array(_ elements: [JSONValue], depth: Int) throws(JSONEncodingError) -> JanssonTree {
    guard depth <= maximumDepth else { throw .tooDeep }
    let array = try owned(json_array())
    for element in elements {
      // Takes ownership of the element even if it fails.
      let element = try tree(of: element, depth: depth).release()
      guard array.withRoot({ json_array_append_new($0, element) }) == 0 else { throw .outOfMemory }
    }
    return array
  }

  private static func string(_ text: String) throws(JSONEncodingError) -> JanssonTree {
    let text = try checked(text)
    return try owned(
      text.withUnsafeBufferPointer { text in
        text.withMemoryRebound(to: CChar.self) { json_stringn_nocheck($0.baseAddress, $0.count - 1) }
      })
  }

  private static func real(_ number: Double) throws(JSONEncodingError) -> JanssonTree {
    guard number.isFinite else { throw .notFinite }
    return try owned(json_real(number))
  }

  /// The UTF-8 of a string with a NUL, so the address of an empty one is not nil.
  private static func checked(_ text: String) throws(JSONEncodingError) -> ContiguousArray<UInt8> {
    guard !text.utf8.contains(0) else { throw .nulCharacter }
    return text.utf8CString.withUnsafeBytes { ContiguousArray($0) }
  }

  private static func owned(_ json: UnsafeMutablePointer<json_t>?) throws(JSONEncodingError) -> JanssonTree {
    guard let tree = JanssonTree(owning: json) else { throw .outOfMemory }
    return tree
  }
}

/// The only owner of a jansson value: releases it exactly once, in `deinit`.
struct JanssonTree: ~Copyable {
  private let root: UnsafeMutablePointer<json_t>

  /// Takes ownership of the reference; `nil` for `nil`.
  init?(owning root: UnsafeMutablePointer<json_t>?) {
    guard let root else { return nil }
    self.root = root
  }

  deinit { json_decref(root) }

  /// Passes the value to `body`, which must not let it escape.
  borrowing func withRoot<Result, Failure>(
    _ body: (UnsafeMutablePointer<json_t>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(root)
  }

  /// Passes the reference to a function that takes ownership.
  consuming func release() -> UnsafeMutablePointer<json_t> {
    let root = root
    discard self
    return root
  }
}
