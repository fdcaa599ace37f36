// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// One row of the supervisor's status: a process, or the supervisor itself.
package struct ProcessStatus: Sendable, Hashable {
  package var name: String
  package var role: ProcessRole
  /// `nil` while there is no process.
  package var pid: Int32?
  /// `starting ready stopping backing-off parked stopped`.
  package var state: String
  /// False where a process that should answer has been silent.
  package var responsive: Bool
  /// Starts beyond the first one since the supervisor started.
  package var restarts: Int64
  /// `HOST:PORT` of the index or of the uploads; empty where there is none.
  package var address: String
  /// Since when it has been in this state.
  package var since: Timestamp
  /// Why it is not running, where there is something to say.
  package var reason: String?

  package init(
    name: String, role: ProcessRole, pid: Int32?, state: String, responsive: Bool, restarts: Int64, address: String,
    since: Timestamp, reason: String? = nil
  ) {
    self.name = name
    self.role = role
    self.pid = pid
    self.state = state
    self.responsive = responsive
    self.restarts = restarts
    self.address = address
    self.since = since
    self.reason = reason
  }

  /// `{"event":"process",…}`
  package var json: JSONValue {
    var members: JSONMembers = [
      "event": "process", "name": .string(name), "role": .string(role.rawValue),
      "pid": pid.map { .integer(Int64($0)) } ?? .null, "state": .string(state), "responsive": .bool(responsive),
      "restarts": .integer(restarts), "address": .string(address), "since": .string(since.text),
    ]
    if let reason { members["reason"] = .string(reason) }
    return .object(members)
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    guard try fields.string("event") == "process" else { throw .badRequest("event is process") }
    name = try fields.string("name")
    role = try fields.word("role")
    pid = try fields.optionalInteger("pid", in: 0 ... .max)
    state = try fields.string("state")
    responsive = try fields.flag("responsive")
    restarts = try fields.integer("restarts", in: 0 ... .max)
    address = try fields.string("address")
    reason = try fields.optionalString("reason")
    since = try fields.timestamp("since")
  }
}
