// SPDX-License-Identifier: Apache-2.0

/// A JSON value that owns its contents: for control sockets and channels, where convenience matters more than speed.
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

  /// The member of an object; `nil` if there is none or this is not an object.
  package subscript(_ key: String) -> JSONValue? { object?[key] }

  /// An integer, clamped to 64 bits with a sign.
  package static func integer(clamping value: some FixedWidthInteger) -> JSONValue {
    .integer(Int64(clamping: value))
  }
}

// MARK: Literals

extension JSONValue: ExpressibleByDictionaryLiteral {
  /// For a duplicate name the last value is kept.
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

/// The members of an object in their order, without duplicate names. Names are equal if their UTF-8 is.
///
/// Lookup is linear: control messages have about a dozen members.
package struct JSONMembers: Sendable {
  package struct Member: Hashable, Sendable {
    package let key: String
    package fileprivate(set) var value: JSONValue

    package static func == (left: Member, right: Member) -> Bool {
      left.key.utf8.elementsEqual(right.key.utf8) && left.value == right.value
    }
  }

  private var members: [Member] = []

  package init() {}

  /// For a duplicate name the last value is kept.
  package init(_ members: some Sequence<(String, JSONValue)>) {
    for (key, value) in members { self[key] = value }
  }

  /// `nil` if there is no such member. Setting `nil` removes it.
  package subscript(_ key: String) -> JSONValue? {
    get { index(of: key).map { members[$0].value } }
    set { set(key, newValue) }
  }

  /// Appends a member. The name must be new.
  mutating func append(_ key: String, _ value: JSONValue) {
    members.append(Member(key: key, value: value))
  }

  private mutating func set(_ key: String, _ value: JSONValue?) {
    switch (index(of: key), value) {
    case (let index?, let value?): members[index].value = value
    case (let index?, nil): members.remove(at: index)
    case (nil, let value?): append(key, value)
    case (nil, nil): break
    }
  }

  private func index(of key: String) -> Int? {
    members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
  }
}

extension JSONMembers: RandomAccessCollection {
  package var startIndex: Int { members.startIndex }
  package var endIndex: Int { members.endIndex }
  package subscript(position: Int) -> Member { members[position] }
}

extension JSONMembers: ExpressibleByDictionaryLiteral {
  /// For a duplicate name the last value is kept.
  package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

/// Objects are equal if they have the same members in any order (RFC 8259 section 1).
extension JSONMembers: Hashable {
  package static func == (left: JSONMembers, right: JSONMembers) -> Bool {
    left.members == right.members || (left.count == right.count && left.sortedByKey == right.sortedByKey)
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(sortedByKey) }

  private var sortedByKey: [Member] {
    members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  }
}
