// SPDX-License-Identifier: Apache-2.0

import LineJSON

/// What the strict reader and jansson make of the same bytes, in one form that can be compared byte by byte.
///
/// (Swift compares strings by canonical equivalence, and -0.0 with 0.0 as equal: too kind for an oracle.)
enum Oracle {
  /// `nil` where the reader refuses the line.
  static func strict(_ line: [UInt8], with reader: inout JSONReader) -> [UInt8]? {
    try? reader.read(line) { object in
      var form: [UInt8] = []
      append(object, to: &form)
      return form
    }
  }

  static func strict(_ line: [UInt8]) -> [UInt8]? {
    var reader = JSONReader()
    return strict(line, with: &reader)
  }

  /// `nil` where jansson, or the cap on depth before it, refuses the line.
  static func jansson(_ line: [UInt8]) -> [UInt8]? {
    guard let value = try? Jansson.decode(line) else { return nil }
    var form: [UInt8] = []
    append(value, to: &form)
    return form
  }

  static func form(of value: JSONValue) -> [UInt8] {
    var form: [UInt8] = []
    append(value, to: &form)
    return form
  }

  // MARK: One form for both

  private static func append(_ object: JSONObject, to form: inout [UInt8]) {
    form.append(contentsOf: "o\(object.count)".utf8)
    object.forEach { name, value in
      append(name, to: &form)
      append(value, to: &form)
    }
  }

  private static func append(_ view: JSONValueView, to form: inout [UInt8]) {
    switch view.kind {
    case .object: if let object = view.object { append(object, to: &form) }
    case .array:
      guard let array = view.array else { return }
      form.append(contentsOf: "a\(array.count)".utf8)
      for element in array { append(element, to: &form) }
    case .string: append(view.string ?? "missing", to: &form)
    case .integer: append(.integer(view.integer ?? 0), to: &form)
    case .real: append(.real(view.real ?? 0), to: &form)
    case .true, .false: append(.bool(view.bool ?? false), to: &form)
    case .null: append(.null, to: &form)
    }
  }

  private static func append(_ value: JSONValue, to form: inout [UInt8]) {
    switch value {
    case .object(let members):
      form.append(contentsOf: "o\(members.count)".utf8)
      for member in members {
        append(member.key, to: &form)
        append(member.value, to: &form)
      }
    case .array(let elements):
      form.append(contentsOf: "a\(elements.count)".utf8)
      for element in elements { append(element, to: &form) }
    case .string(let text): append(text, to: &form)
    case .integer(let number): form.append(contentsOf: "i\(number)".utf8)
    case .real(let number): form.append(contentsOf: "r\(number.bitPattern)".utf8)
    case .bool(let value): form.append(contentsOf: "b\(value)".utf8)
    case .null: form.append(contentsOf: "n".utf8)
    }
  }

  private static func append(_ text: String, to form: inout [UInt8]) {
    form.append(contentsOf: "s\(text.utf8.count):".utf8)
    form.append(contentsOf: text.utf8)
  }
}
