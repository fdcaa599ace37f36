package import DocumentModel
package import LineJSON

/// A message of the supervisor's planes that breaks their rules. `reason` names the field and the rule.
package struct MalformedMessage: Error, Equatable, CustomStringConvertible {
  package let reason: String

  package init(_ reason: String) {
    self.reason = reason
  }

  package var description: String { reason }
}

/// The members of one JSON object, taken by name and type. Members that nobody asks for are ignored.
package struct MessageFields {
  private let members: JSONMembers

  package init(_ json: JSONValue) throws(MalformedMessage) {
    guard case .object(let members) = json else { throw MalformedMessage("a message is a JSON object") }
    self.members = members
  }

  package subscript(_ name: String) -> JSONValue? { members[name] }

  package func optionalString(_ name: String) throws(MalformedMessage) -> String? {
    switch members[name] {
    case nil, .null: return nil
    case .string(let text): return text
    default: throw MalformedMessage("\(name) is a string")
    }
  }

  package func string(_ name: String) throws(MalformedMessage) -> String {
    guard let text = try optionalString(name) else { throw MalformedMessage("\(name) is missing") }
    return text
  }

  /// Where the member may be absent or null.
  package func optionalInteger<Value: FixedWidthInteger>(
    _ name: String, in range: ClosedRange<Value>
  ) throws(MalformedMessage) -> Value? {
    switch members[name] {
    case nil, .null: return nil
    case .integer(let integer):
      guard let value = Value(exactly: integer), range.contains(value) else {
        throw MalformedMessage("\(name) is from \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    default: throw MalformedMessage("\(name) is an integer")
    }
  }

  package func integer<Value: FixedWidthInteger>(
    _ name: String, in range: ClosedRange<Value>
  ) throws(MalformedMessage) -> Value {
    guard let value = try optionalInteger(name, in: range) else { throw MalformedMessage("\(name) is missing") }
    return value
  }

  package func boolean(_ name: String) throws(MalformedMessage) -> Bool {
    guard case .bool(let value) = members[name] else { throw MalformedMessage("\(name) is true or false") }
    return value
  }

  package func object(_ name: String) throws(MalformedMessage) -> JSONValue {
    guard let value = members[name], case .object = value else { throw MalformedMessage("\(name) is an object") }
    return value
  }

  package func endpoint(_ name: String) throws(MalformedMessage) -> Endpoint {
    let text = try string(name)
    do {
      return try Endpoint(text)
    } catch {
      throw MalformedMessage("\(name): \(error.reason)")
    }
  }

  /// One of the values of a closed vocabulary.
  package func word<Word: RawRepresentable & CaseIterable>(
    _ name: String, as type: Word.Type = Word.self
  ) throws(MalformedMessage) -> Word where Word.RawValue == String {
    let text = try string(name)
    guard let word = Word(rawValue: text) else {
      throw MalformedMessage("\(name) is one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return word
  }
}
