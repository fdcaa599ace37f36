// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// The members of one object of the control planes and of the supervisor's channel, taken by name and type. Members that
/// nobody asks for are ignored, as the protocol demands; what is missing, of a wrong type or out of range throws a
/// `bad-request` that names the member, in the words of `JSONObject`'s reading on the other planes.
package struct MessageFields {
  private let members: JSONMembers

  package init(_ json: JSONValue) throws(WireFailure) {
    guard case .object(let members) = json else { throw .badRequest("a message is a JSON object") }
    self.members = members
  }

  /// The value as it stands; `nil` where it is missing or null.
  package func value(_ name: String) -> JSONValue? {
    guard let value = members[name], value != .null else { return nil }
    return value
  }

  // MARK: JSON's own types

  package func string(_ name: String) throws(WireFailure) -> String {
    try Self.present(optionalString(name), name)
  }

  package func optionalString(_ name: String) throws(WireFailure) -> String? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value else { throw .badRequest("\(name) is a string") }
    return text
  }

  package func integer<Value: FixedWidthInteger>(_ name: String, in range: ClosedRange<Value>) throws(WireFailure)
    -> Value
  {
    try Self.present(optionalInteger(name, in: range), name)
  }

  package func optionalInteger<Value: FixedWidthInteger>(_ name: String, in range: ClosedRange<Value>)
    throws(WireFailure) -> Value?
  {
    guard let value = value(name) else { return nil }
    guard case .integer(let integer) = value, let number = Value(exactly: integer), range.contains(number) else {
      throw .badRequest("\(name) is an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A size, an offset or a number of bytes: 0…2^53 − 1.
  package func integer(_ name: String) throws(WireFailure) -> Int64 {
    try integer(name, in: 0...Content.maximumSize)
  }

  /// The id of a request or a reply: 0…2^53 − 1.
  package func requestID() throws(WireFailure) -> Int64 {
    try integer("id")
  }

  /// A count: 0…2^53 − 1, which an `Int` holds on every platform with 64 bits.
  package func count(_ name: String) throws(WireFailure) -> Int {
    try integer(name, in: 0...Int(Content.maximumSize))
  }

  package func optionalCount(_ name: String) throws(WireFailure) -> Int? {
    try optionalInteger(name, in: 0...Int(Content.maximumSize))
  }

  /// Seconds or another measure that is not negative; integers are taken too.
  package func real(_ name: String) throws(WireFailure) -> Double {
    switch value(name) {
    case .integer(let number) where number >= 0: return Double(number)
    case .real(let number) where number >= 0: return number
    case nil: throw .badRequest("\(name) is missing")
    default: throw .badRequest("\(name) is a number, not negative")
    }
  }

  package func flag(_ name: String) throws(WireFailure) -> Bool {
    try Self.present(optionalFlag(name), name)
  }

  package func optionalFlag(_ name: String) throws(WireFailure) -> Bool? {
    guard let value = value(name) else { return nil }
    guard case .bool(let flag) = value else { throw .badRequest("\(name) is true or false") }
    return flag
  }

  /// A missing array is an empty one.
  package func array(_ name: String) throws(WireFailure) -> [JSONValue] {
    guard let value = value(name) else { return [] }
    guard case .array(let elements) = value else { throw .badRequest("\(name) is an array") }
    return elements
  }

  package func object(_ name: String) throws(WireFailure) -> JSONValue {
    let value = try Self.present(value(name), name)
    guard case .object = value else { throw .badRequest("\(name) is an object") }
    return value
  }

  /// The elements of such an array, each read by its own type.
  package func elements<Element: ControlMessage>(_ name: String, of type: Element.Type = Element.self)
    throws(WireFailure) -> [Element]
  {
    var elements = [Element]()
    for value in try array(name) { elements.append(try Element(value)) }
    return elements
  }

  /// One of the values of a closed vocabulary.
  package func word<Word: RawRepresentable & CaseIterable>(_ name: String, as type: Word.Type = Word.self)
    throws(WireFailure) -> Word where Word.RawValue == String
  {
    guard let word = Word(rawValue: try string(name)) else {
      throw .badRequest("\(name) is one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return word
  }

  // MARK: Words of the field

  package func key(_ name: String = "key") throws(WireFailure) -> DocumentKey {
    let text = try string(name)
    return try Self.checked(name) { () throws(InvalidValue) in try DocumentKey(text) }
  }

  package func title(_ name: String = "title") throws(WireFailure) -> Title {
    let text = try string(name)
    return try Self.checked(name) { () throws(InvalidValue) in try Title(text) }
  }

  /// From the two members `content` and `size`, which always come together.
  package func content() throws(WireFailure) -> Content {
    guard let content = Content(root: try digest("content"), size: try integer("size")) else {
      throw .unpairedEmptyContent
    }
    return content
  }

  package func timestamp(_ name: String) throws(WireFailure) -> Timestamp {
    let text = try string(name)
    return try Self.checked(name) { () throws(InvalidValue) in try Timestamp(text) }
  }

  package func peerID(_ name: String) throws(WireFailure) -> PeerID {
    PeerID(digest: try digest(name))
  }

  private func digest(_ name: String) throws(WireFailure) -> Digest {
    guard let digest = Digest(hex: try string(name)) else {
      throw .badRequest("\(name) is 64 lower-case hex digits")
    }
    return digest
  }

  package func peerName(_ name: String) throws(WireFailure) -> PeerName {
    let text = try string(name)
    return try Self.checked(name) { () throws(InvalidValue) in try PeerName(text) }
  }

  package func endpoint(_ name: String) throws(WireFailure) -> Endpoint {
    let text = try string(name)
    return try Self.checked(name) { () throws(InvalidValue) in try Endpoint(text) }
  }

  package func optionalHostAddress(_ name: String) throws(WireFailure) -> HostAddress? {
    guard let text = try optionalString(name) else { return nil }
    guard let address = HostAddress(text) else { throw .badRequest("\(name) is an IPv4 or IPv6 address") }
    return address
  }

  package func addressRanges(_ name: String) throws(WireFailure) -> [AddressRange] {
    var ranges = [AddressRange]()
    for value in try array(name) {
      guard case .string(let text) = value else { throw .badRequest("\(name) is an array of strings") }
      ranges.append(try Self.checked(name) { () throws(InvalidValue) in try AddressRange(text) })
    }
    return ranges
  }

  package func port(_ name: String) throws(WireFailure) -> UInt16 {
    try integer(name, in: 0 ... .max)
  }

  private static func checked<Value>(_ name: String, _ make: () throws(InvalidValue) -> Value) throws(WireFailure)
    -> Value
  {
    do throws(InvalidValue) {
      return try make()
    } catch {
      throw .badRequest("\(name): \(error.reason)")
    }
  }

  private static func present<Value>(_ value: Value?, _ name: String) throws(WireFailure) -> Value {
    guard let value else { throw .badRequest("\(name) is missing") }
    return value
  }
}
