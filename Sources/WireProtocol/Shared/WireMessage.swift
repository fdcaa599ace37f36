// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// A message, or a part of one, that both back ends read and write.
package protocol WireMessage: Equatable, Sendable {
  /// Ignores unknown members.
  /// - Throws: `bad-request` that names the member that is missing or wrong.
  init(_ fields: some FieldReader) throws(WireFailure)
  /// Appends its members in the order of the written protocol.
  func write(to fields: inout some FieldWriter)
}

extension WireMessage {
  package init(_ json: JSONValue) throws(WireFailure) {
    guard let fields = json.fields else { throw .badRequest("a message is a JSON object") }
    try self.init(fields)
  }

  package var members: JSONMembers { .written { write(to: &$0) } }
  package var json: JSONValue { .object(members) }
}

/// The ids that a request may have.
package enum RequestID {
  package static let range: ClosedRange<Int64> = 0...(1 << 53) - 1
}

/// A message that is a whole line once it has its id.
package protocol WireLine {
  associatedtype LineID

  /// Appends all members of the line.
  func write(lineOf id: LineID, to fields: inout some FieldWriter)
}

extension WireLine {
  /// Appends the whole line.
  package func write(id: LineID, to output: inout JSONWriter) {
    output.line { write(lineOf: id, to: &$0) }
  }

  /// The whole line.
  package func json(id: LineID) -> JSONValue {
    .object(.written { write(lineOf: id, to: &$0) })
  }
}

/// A request without its `id`.
package protocol WireRequest: WireLine, Equatable, Sendable where LineID == Int64 {
  associatedtype Operation: RawRepresentable<String>

  var operation: Operation { get }
  /// Appends the members that follow `op`.
  func write(to fields: inout some FieldWriter)
}

extension WireRequest {
  package func write(lineOf id: Int64, to fields: inout some FieldWriter) {
    fields.member("id", id)
    fields.member("op", operation.rawValue)
    write(to: &fields)
  }
}

/// The reply to a request that succeeded, without `id` and `status`.
package protocol WireReply: WireLine, WireMessage where LineID == Int64 {}

extension WireReply {
  package func write(lineOf id: Int64, to fields: inout some FieldWriter) {
    fields.member("id", id)
    fields.member("status", 200)
    write(to: &fields)
  }
}

/// The version numbers that the programs state in `hello`.
package enum ProtocolVersion {
  /// Of the wire protocol: index, peer and control plane.
  package static let wire: Int64 = 1
  /// Of the channel between the supervisor and its children.
  package static let channel: Int64 = 1
  /// Of all programs of this package.
  package static let program = "0.1.0"
}

extension FieldReader {
  /// Checks the protocol number of `hello`.
  package func checkProtocol() throws(WireFailure) {
    let number = try integer("protocol", in: 0...Int32.max)
    guard number == ProtocolVersion.wire else {
      throw WireFailure(
        .unsupportedProtocol, "protocol \(number) is not supported, only protocol \(ProtocolVersion.wire)")
    }
  }
}

/// The role of a supervised process.
package enum ProcessRole: String, Sendable, Hashable, CaseIterable {
  case index
  case peer
  case supervisor
}
