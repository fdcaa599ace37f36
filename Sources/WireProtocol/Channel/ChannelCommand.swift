// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// What the supervisor tells a child after the first line.
package enum ChannelCommand: Sendable, Hashable {
  /// Finish what is under way, take nothing new, exit 0.
  case stop
  /// These settings hold from now on.
  case reload(ChildSettings)

  package var json: JSONValue {
    switch self {
    case .stop: .object(["op": "stop"])
    case .reload(let settings): .object(["op": "reload", "settings": settings.json])
    }
  }

  /// - Parameter role: that of the child, which decides what settings hold.
  package init(_ json: JSONValue, role: ProcessRole) throws(WireFailure) {
    let fields = try MessageFields(json)
    switch try fields.string("op") {
    case "stop": self = .stop
    case "reload": self = .reload(try ChildSettings(fields.object("settings"), role: role))
    default: throw .badRequest("op is one of stop, reload")
    }
  }
}
