// SPDX-License-Identifier: Apache-2.0

import CJansson

/// JSON lines by way of jansson (<https://jansson.readthedocs.io>), for control sockets and the supervisor's channel.
package enum Jansson {
  /// How deep a value may be nested at most, whatever a caller allows: conversion is recursive.
  private static let depthCeiling = 512

  /// Decodes a line, with or without its newline.
  ///
  /// - Parameters:
  ///   - line: an object in UTF-8, with no name twice in an object and no U+0000 in a string.
  ///   - maximumLength: in bytes.
  ///   - maximumDepth: how deep objects and arrays may be nested, 512 at most; the outermost object is 1.
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
