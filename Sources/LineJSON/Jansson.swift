// SPDX-License-Identifier: Apache-2.0

import CJansson

/// JSON lines read and written by jansson (<https://jansson.readthedocs.io>): for control sockets and the supervisor's
/// channel.
package enum Jansson {
  /// Maximum nesting, whatever the caller allows: conversion is recursive.
  private static let depthCeiling = 512

  /// Decodes a line, with or without its newline.
  ///
  /// - Parameters:
  ///   - line: an object in UTF-8, without duplicate names and U+0000.
  ///   - maximumLength: in bytes.
  ///   - maximumDepth: maximum nesting of objects and arrays, at most 512; the outermost object is 1.
  package static func decode(
    _ line: some Sequence<UInt8>, maximumLength: Int = 1 << 20, maximumDepth: Int = 32
  ) throws(JSONSyntaxError) -> JSONValue {
    let line = Array(line)
    guard line.count <= maximumLength else { throw JSONSyntaxError(offset: maximumLength, reason: .tooLong) }
    guard let first = line.first else { throw JSONSyntaxError(offset: 0, reason: .unexpectedEnd) }
    guard first == UInt8(ascii: "{") else { throw JSONSyntaxError(offset: 0, reason: .notAnObject) }
    try JanssonPrecheck.check(line, maximumDepth: min(maximumDepth, depthCeiling))
    return try value(of: parse(line))
  }

  /// Encodes an object, nested at most 32 deep, as one line with its newline.
  package static func encodeLine(_ value: JSONValue) throws(JSONEncodingError) -> [UInt8] {
    guard case .object = value else { throw .notAnObject }
    let tree = try JanssonBuilder.tree(of: value, depth: 0)
    return try tree.withRoot { root throws(JSONEncodingError) in
      let flags = size_t(JSON_COMPACT)
      let count = json_dumpb(root, nil, 0, flags)
      guard count > 0 else { throw .outOfMemory }
      var line = [UInt8](repeating: UInt8(ascii: "\n"), count: count + 1)
      let written = line.withUnsafeMutableBytes {
        json_dumpb(root, $0.baseAddress?.assumingMemoryBound(to: CChar.self), count, flags)
      }
      guard written == count else { throw .outOfMemory }
      return line
    }
  }

  private static func parse(_ line: [UInt8]) throws(JSONSyntaxError) -> JanssonTree {
    var failure = json_error_t()
    let root = line.withUnsafeBytes {
      json_loadb(
        $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, size_t(JSON_REJECT_DUPLICATES), &failure)
    }
    guard let tree = JanssonTree(owning: root) else { throw JanssonFailure.syntaxError(failure) }
    guard tree.withRoot({ $0.pointee.type == JSON_OBJECT }) else {
      throw JSONSyntaxError(offset: 0, reason: .notAnObject)
    }
    return tree
  }

  private static func value(of tree: consuming JanssonTree) throws(JSONSyntaxError) -> JSONValue {
    tree.withRoot { value(of: $0) }
  }

  // MARK: From jansson

  private static func value(of json: UnsafeMutablePointer<json_t>) -> JSONValue {
    switch json.pointee.type {
    case JSON_OBJECT: .object(members(of: json))
    case JSON_ARRAY: .array(elements(of: json))
    case JSON_STRING: .string(text(json_string_value(json), json_string_length(json)))
    case JSON_INTEGER: .integer(Int64(json_integer_value(json)))
    case JSON_REAL: .real(json_real_value(json))
    case JSON_TRUE: .bool(true)
    case JSON_FALSE: .bool(false)
    default: .null
    }
  }

  private static func elements(of json: UnsafeMutablePointer<json_t>) -> [JSONValue] {
    (0..<json_array_size(json)).map { index in json_array_get(json, index).map(value(of:)) ?? .null }
  }

  private static func members(of json: UnsafeMutablePointer<json_t>) -> JSONMembers {
    var members = JSONMembers()
    var iterator = json_object_iter(json)
    while let member = iterator {
      let key = text(json_object_iter_key(member), json_object_iter_key_len(member))
      members.append(key, json_object_iter_value(member).map(value(of:)) ?? .null)
      iterator = json_object_iter_next(json, member)
    }
    return members
  }

  private static func text(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> String {
    guard let bytes else { return "" }
    return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
  }
}

/// Why a value cannot be written as a line.
package enum JSONEncodingError: String, Error, Hashable, Sendable {
  /// A line is an object.
  case notAnObject = "not an object"
  /// Objects and arrays nested deeper than any reader accepts.
  case tooDeep = "nested too deep"
  /// A string or a name contains U+0000, which no reader accepts.
  case nulCharacter = "NUL character"
  /// JSON has neither infinities nor NaN.
  case notFinite = "not a finite number"
  case outOfMemory = "out of memory"
}

/// Checks a line before jansson parses it.
enum JanssonPrecheck {
  /// Refuses brackets nested too deep, because the parser is recursive, and any raw U+0000, because jansson 2.14 skips
  /// one after a number or a literal (its stream mistakes it for the end of the buffer).
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

/// Translates jansson's errors.
enum JanssonFailure {
  static func syntaxError(_ failure: json_error_t) -> JSONSyntaxError {
    JSONSyntaxError(offset: max(0, Int(failure.position)), reason: reason(failure))
  }

  /// jansson keeps the code in the last byte of the text (`json_error_code` in jansson.h).
  private static func reason(_ failure: json_error_t) -> JSONSyntaxError.Reason {
    let code = withUnsafeBytes(of: failure.text) { $0.last ?? 0 }
    switch json_error_code(UInt32(code)) {
    case json_error_out_of_memory: return .outOfMemory
    case json_error_stack_overflow: return .tooDeep
    case json_error_premature_end_of_input: return .unexpectedEnd
    case json_error_end_of_input_expected: return .trailingBytes
    case json_error_invalid_utf8: return .invalidUTF8
    case json_error_null_character, json_error_null_byte_in_key: return .nulCharacter
    case json_error_duplicate_key: return .duplicateKey
    case json_error_numeric_overflow: return .numberOutOfRange
    default: return .unexpectedByte
    }
  }
}
