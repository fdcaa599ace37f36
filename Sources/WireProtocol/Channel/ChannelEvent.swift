// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// What a child tells the supervisor.
package enum ChannelEvent: Sendable, Hashable {
  /// It serves its sockets, and has tried to reach the index once. The addresses are those that really listen.
  case ready(ChannelAddresses)
  /// It is ready, but speaks another version of the channel: it may mean other things by the same words.
  case otherProtocol(Int64)
  /// It is alive; every second.
  case heartbeat
  /// It will end, for a reason that a person can act on.
  case failed(message: String)

  package var json: JSONValue {
    switch self {
    case .ready(let addresses):
      .object(["event": "ready", "channel": .integer(ProtocolVersion.channel), "addresses": addresses.json])
    case .otherProtocol(let number): .object(["event": "ready", "channel": .integer(number)])
    case .heartbeat: .object(["event": "heartbeat"])
    case .failed(let message): .object(["event": "failed", "message": .string(message)])
    }
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    switch try fields.string("event") {
    case "ready":
      let number = try fields.optionalInteger("channel", in: Int64.min ... .max) ?? ProtocolVersion.channel
      if number == ProtocolVersion.channel {
        self = .ready(try ChannelAddresses(fields.object("addresses")))
      } else {
        self = .otherProtocol(number)
      }
    case "heartbeat": self = .heartbeat
    case "failed": self = .failed(message: try fields.string("message"))
    default: throw .badRequest("event is one of ready, heartbeat, failed")
    }
  }
}
