// SPDX-License-Identifier: Apache-2.0

/// A value of JSON that stands on its own: for control sockets and channels, where comfort counts more than speed.
package enum JSONValue: Hashable, Sendable {
  case object(JSONMembers)
  case array([JSONValue])
  case string(String)
  case integer(Int64)
  /// Must be finite to be encoded.
  case real(Double)
  case bool(Bool)
  case null
}

extension JSONValue {
  package var object: JSONMembers? {
    if case .object(let members) = self { members } else { nil }
  }

  package var array: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  package var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// `nil` for a real, even one without a fraction.
  package var integer: Int64? {
    if case .integer(let number) = self { number } else { nil }
  }

  /// The value of any number; an integer beyond 2^53 is rounded.
  package var number: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .real(let number): number
    default: nil
    }
  }

  package var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The member of an object; `nil` where there is none or this is no object.
  package subscript(_ key: String) -> JSONValue? { object?[key] }

  /// An integer; what does not fit 64 bits with a sign becomes the nearest that does.
  package static func integer(clamping value: some FixedWidthInteger) -> JSONValue {
    .integer(Int64(clamping: value))
  }
}

// MARK: Literals

extension JSONValue: ExpressibleByDictionaryLiteral {
  /// Of a name that stands twice the last value is kept.
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONMembers(elements))
  }
}

extension JSONValue: ExpressibleByArrayLiteral {
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}

extension JSONValue: ExpressibleByStringInterpolation {
  package init(stringLiteral value: String) { self = .string(value) }
}

extension JSONValue: ExpressibleByIntegerLiteral {
  package init(integerLiteral value: Int64) { self = .integer(value) }
}

extension JSONValue: ExpressibleByFloatLiteral {
  package init(floatLiteral value: Double) { self = .real(value) }
}

extension JSONValue: ExpressibleByBooleanLiteral {
  package init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSONValue: ExpressibleByNilLiteral {
  package init(nilLiteral: ()) { self = .null }
}
