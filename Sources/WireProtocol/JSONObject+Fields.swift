// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// Reading fields of known type. A missing required field, a wrong type or a value out of range is `bad-request`, and the
/// message names the field.
extension JSONObject {
  /// The ids that a request may have.
  package static let requestIDs: ClosedRange<Int64> = 0...(1 << 53) - 1

  package func optionalString(_ key: StaticString) throws(WireFailure) -> String? {
    guard let value = self[key] else { return nil }
    guard let string = value.string else { throw .badRequest("\(key) is a string") }
    return string
  }

  package func string(_ key: StaticString) throws(WireFailure) -> String {
    guard let string = try optionalString(key) else { throw .badRequest("\(key) is missing") }
    return string
  }

  package func optionalInteger(_ key: StaticString, in range: ClosedRange<Int64>) throws(WireFailure) -> Int64? {
    guard let value = self[key] else { return nil }
    guard let integer = value.integer, range.contains(integer) else {
      throw .badRequest("\(key) is an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  package func integer(_ key: StaticString, in range: ClosedRange<Int64>) throws(WireFailure) -> Int64 {
    guard let integer = try optionalInteger(key, in: range) else { throw .badRequest("\(key) is missing") }
    return integer
  }

  package func optionalBool(_ key: StaticString) throws(WireFailure) -> Bool? {
    guard let value = self[key] else { return nil }
    guard let bool = value.bool else { throw .badRequest("\(key) is true or false") }
    return bool
  }

  package func bool(_ key: StaticString) throws(WireFailure) -> Bool {
    guard let bool = try optionalBool(key) else { throw .badRequest("\(key) is missing") }
    return bool
  }

  package func array(_ key: StaticString) throws(WireFailure) -> JSONArray {
    guard let value = self[key] else { throw .badRequest("\(key) is missing") }
    guard let array = value.array else { throw .badRequest("\(key) is an array") }
    return array
  }

  package func digest(_ key: StaticString) throws(WireFailure) -> Digest {
    guard let digest = try optionalDigest(key) else { throw .badRequest("\(key) is missing") }
    return digest
  }

  package func optionalDigest(_ key: StaticString) throws(WireFailure) -> Digest? {
    guard let value = self[key] else { return nil }
    guard let digest = value.withString({ Digest(hex: $0) }) ?? nil else {
      throw .badRequest("\(key) is 64 lower-case hex digits")
    }
    return digest
  }

  package func peerID(_ key: StaticString) throws(WireFailure) -> PeerID {
    PeerID(digest: try digest(key))
  }

  /// The members `content` and `size`, which never stand alone.
  package func content() throws(WireFailure) -> Content {
    let root = try digest("content")
    let size = try integer("size", in: 0...Content.maximumSize)
    guard let content = Content(root: root, size: size) else { throw .unpairedEmptyContent }
    return content
  }

  package func key() throws(WireFailure) -> DocumentKey {
    try Self.key(try string("key"))
  }

  static func key(_ text: String) throws(WireFailure) -> DocumentKey {
    do { return try DocumentKey(text) } catch { throw .badRequest("key: \(error.reason)") }
  }

  package func title() throws(WireFailure) -> Title {
    let text = try string("title")
    do { return try Title(text) } catch { throw .badRequest("title: \(error.reason)") }
  }

  package func modified() throws(WireFailure) -> Timestamp {
    try timestamp("modified")
  }

  package func timestamp(_ key: StaticString) throws(WireFailure) -> Timestamp {
    let text = try string(key)
    do { return try Timestamp(text) } catch { throw .badRequest("\(key): \(error.reason)") }
  }

  package func peerName() throws(WireFailure) -> PeerName {
    let text = try string("name")
    do { return try PeerName(text) } catch { throw .badRequest("name: \(error.reason)") }
  }

  /// The id of a request or a reply.
  /// - Throws: `bad-request` for anything but an integer 0…2^53 − 1.
  package func requestID() throws(WireFailure) -> Int64 {
    try integer("id", in: Self.requestIDs)
  }
}
