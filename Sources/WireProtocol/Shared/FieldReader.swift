// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// Reads the members of one object by name and type.
///
/// There are two back ends: ``JSONObject`` of the strict reader on the index and peer planes, where speed counts, and
/// ``JSONMembers`` of jansson on the others. Members that nobody reads are ignored, as the protocol demands. A member that
/// is missing, of the wrong type or out of range throws a `bad-request` that names it.
package protocol FieldReader {
  associatedtype Value: FieldValue where Value.Fields == Self

  /// `nil` if there is no such member.
  func value(_ name: StaticString) -> Value?
}

/// The value of a member, an element of an array, or a whole line. Each property is `nil` for a value of another type.
package protocol FieldValue {
  associatedtype Fields: FieldReader where Fields.Value == Self
  associatedtype Elements: Sequence where Elements.Element == Self

  var string: String? { get }
  /// `nil` for `1.0` as well.
  var integer: Int64? { get }
  /// Of integers and reals.
  var number: Double? { get }
  var bool: Bool? { get }
  var fields: Fields? { get }
  var array: Elements? { get }

  /// Whether it is this string.
  func isEqual(to text: StaticString) -> Bool
  /// Of a string of 64 lower-case hex digits.
  var digest: Digest? { get }
  /// Of a string in the usual format; others may be times all the same.
  var usualTimestamp: Timestamp? { get }
}

extension JSONObject: FieldReader {
  package func value(_ name: StaticString) -> JSONValueView? { self[name] }

  /// As of every reader. Not generic, so that other modules call it specialised: they read it for each line.
  package func requestID() throws(WireFailure) -> Int64 {
    try integer("id", in: RequestID.range)
  }
}

extension JSONValueView: FieldValue {
  package var number: Double? { integer.map(Double.init) ?? real }
  package var fields: JSONObject? { object }
  package var digest: Digest? {
    guard let text = plainText else { return string.flatMap { Digest(hex: $0) } }
    return Digest(hex: text)
  }
  package var usualTimestamp: Timestamp? { plainText.flatMap { Timestamp(usual: $0) } }
}

extension JSONMembers: FieldReader {
  /// On the planes that use jansson, null is the same as a missing member.
  package func value(_ name: StaticString) -> JSONValue? {
    guard let value = self["\(name)"], value != .null else { return nil }
    return value
  }
}

extension JSONValue: FieldValue {
  package var fields: JSONMembers? { object }

  package var digest: Digest? { string.flatMap { Digest(hex: $0) } }
  package var usualTimestamp: Timestamp? { nil }

  package func isEqual(to text: StaticString) -> Bool {
    string.map { string in text.withUTF8Buffer { string.utf8.elementsEqual($0) } } ?? false
  }
}

// MARK: JSON's own types

extension FieldReader {
  package func string(_ name: StaticString) throws(WireFailure) -> String {
    try present(optionalString(name), name)
  }

  package func optionalString(_ name: StaticString) throws(WireFailure) -> String? {
    try optional(name, "a string") { $0.string }
  }

  package func integer<Number: FixedWidthInteger>(
    _ name: StaticString, in range: ClosedRange<Number>
  ) throws(WireFailure) -> Number {
    try present(optionalInteger(name, in: range), name)
  }

  package func optionalInteger<Number: FixedWidthInteger>(
    _ name: StaticString, in range: ClosedRange<Number>
  ) throws(WireFailure) -> Number? {
    guard let value = value(name) else { return nil }
    guard let integer = value.integer, let number = Number(exactly: integer), range.contains(number) else {
      throw .badRequest("\(name) is an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A size, an offset or a number of bytes: 0…2^53 − 1.
  package func size(_ name: StaticString) throws(WireFailure) -> Int64 {
    try integer(name, in: 0...Content.maximumSize)
  }

  /// A number of things: 0…2^53 − 1.
  package func count(_ name: StaticString) throws(WireFailure) -> Int {
    try integer(name, in: 0...Int(Content.maximumSize))
  }

  package func optionalCount(_ name: StaticString) throws(WireFailure) -> Int? {
    try optionalInteger(name, in: 0...Int(Content.maximumSize))
  }

  /// The id of a request or a reply.
  package func requestID() throws(WireFailure) -> Int64 {
    try integer("id", in: RequestID.range)
  }

  /// A port that can be connected to.
  package func port(_ name: StaticString) throws(WireFailure) -> UInt16 {
    try integer(name, in: 1 ... .max)
  }

  /// A non-negative measure such as seconds. Integers are accepted.
  package func measure(_ name: StaticString) throws(WireFailure) -> Double {
    try present(optionalMeasure(name), name)
  }

  package func optionalMeasure(_ name: StaticString) throws(WireFailure) -> Double? {
    try optional(name, "a non-negative number") { value in value.number.flatMap { $0 >= 0 ? $0 : nil } }
  }

  package func bool(_ name: StaticString) throws(WireFailure) -> Bool {
    try present(optionalBool(name), name)
  }

  package func optionalBool(_ name: StaticString) throws(WireFailure) -> Bool? {
    try optional(name, "true or false") { $0.bool }
  }

  package func object(_ name: StaticString) throws(WireFailure) -> Self {
    try present(optionalObject(name), name)
  }

  package func optionalObject(_ name: StaticString) throws(WireFailure) -> Self? {
    try optional(name, "an object") { $0.fields }
  }

  package func array(_ name: StaticString) throws(WireFailure) -> Value.Elements {
    try present(optional(name, "an array") { $0.array }, name)
  }

  /// The elements of an array of objects.
  package func elements<Element>(
    _ name: StaticString, _ element: (Self) throws(WireFailure) -> Element
  ) throws(WireFailure) -> [Element] {
    let array = try array(name)
    var elements = [Element]()
    // Bounded: the array comes from outside.
    elements.reserveCapacity(min(array.underestimatedCount, 1024))
    for value in array {
      guard let fields = value.fields else { throw .badRequest("\(name) is an array of objects") }
      elements.append(try element(fields))
    }
    return elements
  }

  package func elements<Element: WireMessage>(_ name: StaticString) throws(WireFailure) -> [Element] {
    try elements(name) { fields throws(WireFailure) in try Element(fields) }
  }

  /// Empty if the array is missing.
  package func optionalElements<Element: WireMessage>(_ name: StaticString) throws(WireFailure) -> [Element] {
    value(name) == nil ? [] : try elements(name)
  }

  /// `nil` if the object is missing.
  package func optionalMessage<Message: WireMessage>(_ name: StaticString) throws(WireFailure) -> Message? {
    guard let fields = try optionalObject(name) else { return nil }
    return try Message(fields)
  }

  /// Empty if the array is missing.
  package func optionalStrings(_ name: StaticString) throws(WireFailure) -> [String] {
    value(name) == nil ? [] : try strings(name)
  }

  package func strings(_ name: StaticString) throws(WireFailure) -> [String] {
    var strings = [String]()
    for value in try array(name) {
      guard let string = value.string else { throw .badRequest("\(name) is an array of strings") }
      strings.append(string)
    }
    return strings
  }

  /// Positions in an array, ascending; empty if they are missing.
  package func optionalPositions(_ name: StaticString) throws(WireFailure) -> [Int] {
    guard value(name) != nil else { return [] }
    var positions = [Int]()
    for value in try array(name) {
      guard let position = value.integer.flatMap(Int.init(exactly:)), position > positions.last ?? -1 else {
        throw .badRequest("\(name) is an array of ascending positions")
      }
      positions.append(position)
    }
    return positions
  }

  /// Ranges as `[first,count]`, none empty, within 0..<`limit`.
  package func ranges(_ name: StaticString, within limit: Int64) throws(WireFailure) -> [Range<Int>] {
    var ranges = [Range<Int>]()
    for value in try array(name) {
      let pair = value.array?.prefix(3).map(\.integer) ?? []
      guard pair.count == 2, let first = pair[0], let count = pair[1],
        first >= 0, count >= 1, first <= limit - count
      else { throw .badRequest("\(name) is an array of [first, count] within \(limit) pieces") }
      ranges.append(Int(first)..<Int(first + count))
    }
    return ranges
  }

  /// One of the values of a closed list.
  package func word<Word: RawRepresentable<String> & CaseIterable>(
    _ name: StaticString, as type: Word.Type = Word.self
  ) throws(WireFailure) -> Word {
    guard let word = Word(rawValue: try string(name)) else {
      throw .badRequest("\(name) is one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return word
  }

  package func optionalWord<Word: RawRepresentable<String> & CaseIterable>(
    _ name: StaticString, as type: Word.Type = Word.self
  ) throws(WireFailure) -> Word? {
    value(name) == nil ? nil : try word(name, as: type)
  }

  /// - Parameter expected: the expected type, as the message names it.
  private func optional<Result>(
    _ name: StaticString, _ expected: StaticString, _ read: (Value) -> Result?
  ) throws(WireFailure) -> Result? {
    guard let value = value(name) else { return nil }
    guard let result = read(value) else { throw .badRequest("\(name) is \(expected)") }
    return result
  }

  private func present<Result>(_ value: Result?, _ name: StaticString) throws(WireFailure) -> Result {
    guard let value else { throw .badRequest("\(name) is missing") }
    return value
  }
}

// MARK: Values of the model

extension FieldReader {
  package func digest(_ name: StaticString) throws(WireFailure) -> Digest {
    try present(optionalDigest(name), name)
  }

  package func optionalDigest(_ name: StaticString) throws(WireFailure) -> Digest? {
    try optional(name, "64 lower-case hex digits") { $0.digest }
  }

  package func peerID(_ name: StaticString) throws(WireFailure) -> PeerID {
    PeerID(digest: try digest(name))
  }

  package func optionalPeerID(_ name: StaticString) throws(WireFailure) -> PeerID? {
    try optionalDigest(name).map(PeerID.init(digest:))
  }

  /// The first hex digits of digests.
  package func optionalDigestPrefix(_ name: StaticString, fewest: Int) throws(WireFailure) -> DigestPrefix? {
    guard let digits = try optionalString(name) else { return nil }
    guard digits.utf8.count >= fewest, let prefix = DigestPrefix(hex: digits) else {
      throw .badRequest("\(name) is \(fewest) to 64 hex digits")
    }
    return prefix
  }

  /// The members `content`, with the first digits of a root, and `size`, which may be absent.
  package func contentPrefix() throws(WireFailure) -> ContentPrefix {
    let roots = try present(optionalDigestPrefix("content", fewest: ContentPrefix.fewestDigits), "content")
    return ContentPrefix(roots: roots, size: try optionalInteger("size", in: 0...Content.maximumSize))
  }

  /// The members `content` and `size`, which always come together.
  package func content() throws(WireFailure) -> Content {
    let root = try digest("content")
    guard let content = Content(root: root, size: try size("size")) else { throw .unpairedEmptyContent }
    return content
  }

  package func key() throws(WireFailure) -> DocumentKey {
    try checked("key", string("key")) { text throws(InvalidValue) in try DocumentKey(text) }
  }

  package func title() throws(WireFailure) -> Title {
    try checked("title", string("title")) { text throws(InvalidValue) in try Title(text) }
  }

  package func timestamp(_ name: StaticString) throws(WireFailure) -> Timestamp {
    if let usual = value(name)?.usualTimestamp { return usual }
    return try checked(name, string(name)) { text throws(InvalidValue) in try Timestamp(text) }
  }

  package func peerName() throws(WireFailure) -> PeerName {
    try checked("name", string("name")) { text throws(InvalidValue) in try PeerName(text) }
  }

  package func endpoint(_ name: StaticString) throws(WireFailure) -> Endpoint {
    try checked(name, string(name)) { text throws(InvalidValue) in try Endpoint(text) }
  }

  package func optionalHostAddress(_ name: StaticString) throws(WireFailure) -> HostAddress? {
    guard let text = try optionalString(name) else { return nil }
    guard let address = HostAddress(text) else { throw .badRequest("\(name) is an IPv4 or IPv6 address") }
    return address
  }

  /// Empty if the array is missing.
  package func addressRanges(_ name: StaticString) throws(WireFailure) -> [AddressRange] {
    guard value(name) != nil else { return [] }
    var ranges = [AddressRange]()
    for text in try strings(name) {
      ranges.append(try checked(name, text) { text throws(InvalidValue) in try AddressRange(text) })
    }
    return ranges
  }

  /// A collection to search in.
  package func optionalCollection() throws(WireFailure) -> String? {
    guard let collection = try optionalString("collection") else { return nil }
    guard DocumentKey.isCollection(collection) else {
      throw .badRequest("collection is 1 to \(DocumentKey.maximumCollectionLength) of a-z, 0-9 and -")
    }
    return collection
  }

  /// The beginning of keys.
  package func keyPrefix(_ name: StaticString) throws(WireFailure) -> String {
    let prefix = try string(name)
    guard DocumentKey.isPrefix(prefix) else {
      throw .badRequest("\(name) is the beginning of a key, in Unicode normal form C and without control characters")
    }
    return prefix
  }

  /// The members `prefix` and `level`, which asks for one level behind the prefix.
  package func optionalLevel() throws(WireFailure) -> (prefix: String?, level: Bool) {
    let prefix = try value("prefix") == nil ? nil : keyPrefix("prefix")
    let isLevel = try optionalBool("level") ?? false
    guard prefix != nil || !isLevel else { throw .badRequest("prefix is missing") }
    return (prefix, isLevel)
  }

  private func checked<Result>(
    _ name: StaticString, _ text: String, _ make: (String) throws(InvalidValue) -> Result
  ) throws(WireFailure) -> Result {
    do throws(InvalidValue) {
      return try make(text)
    } catch {
      throw .badRequest("\(name): \(error.reason)")
    }
  }
}
