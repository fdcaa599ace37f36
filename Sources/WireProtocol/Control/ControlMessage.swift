// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// A part of the control plane that has a JSON form: front end and daemon on one Unix socket, one object per line.
package protocol ControlMessage: Equatable, Sendable {
  /// Ignores members it does not know; names the one that is missing or wrong.
  init(_ json: JSONValue) throws(WireFailure)
  /// Its members in the order of the written protocol.
  var members: JSONMembers { get }
}

extension ControlMessage {
  package var json: JSONValue { .object(members) }
}

/// The answer to a request that succeeded, without `id` and `status`.
package protocol ControlReply: ControlMessage {}

extension ControlReply {
  /// The whole line: `id`, status 200, and the members.
  package func reply(to id: Int64) -> JSONValue {
    var line: JSONMembers = ["id": .integer(id), "status": .integer(200)]
    for member in members { line[member.key] = member.value }
    return .object(line)
  }
}

/// The measures of the control plane that both sides keep.
package enum ControlPlane {
  /// The longest line, in bytes without its end.
  package static let lineLimit = 1 << 20
}
