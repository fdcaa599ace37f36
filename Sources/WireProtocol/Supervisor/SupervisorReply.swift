// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// The last line that answers a request to the supervisor. The rows of `status` precede it as events.
package enum SupervisorReply: Sendable, Equatable {
  /// To `hello`.
  case hello
  /// To `status`: the number of rows.
  case status(processes: Int)
  /// To `reload`: the settings that have changed, by their names in the file, and those that will at the next start.
  case reloaded(applied: [String], postponed: [String])
  /// To `start`, `stop` and `restart`: it is under way; to `stop` without a name: everything is gone.
  case done
  /// To `wait`: whether every process is ready.
  case settled(ready: Bool)
  case failure(WireFailure)

  /// - Parameter id: `nil` if the request had none that could be read.
  package func json(id: Int64?) -> JSONValue {
    if case .failure(let failure) = self { return failure.json(id: id) }
    return .object(.written { write(id, to: &$0) })
  }

  private func write(_ id: Int64?, to fields: inout some FieldWriter) {
    if let id { fields.member("id", id) } else { fields.null("id") }
    fields.member("status", 200)
    switch self {
    case .hello:
      fields.member("protocol", ProtocolVersion.wire)
      fields.member("server", "p2p-supervisor/\(ProtocolVersion.program)")
      fields.member("role", ProcessRole.supervisor.rawValue)
      fields.member("name", ProcessRole.supervisor.rawValue)
      fields.object("limits") { $0.member("line", SupervisorRequest.maximumLine) }
    case .status(let processes):
      fields.member("processes", processes)
    case .settled(let ready):
      fields.member("ready", ready)
    case .reloaded(let applied, let postponed):
      fields.strings("applied", applied)
      fields.strings("postponed", postponed)
    case .done, .failure:
      break
    }
  }
}

/// One row of the supervisor's status: a process, or the supervisor itself.
package struct ProcessStatus: WireMessage, Hashable {
  package var name: String
  package var role: ProcessRole
  /// `nil` while there is no process.
  package var pid: Int32?
  /// `starting ready stopping backing-off parked stopped`.
  package var state: String
  /// False if a process that should answer has been silent.
  package var responsive: Bool
  /// Starts beyond the first one since the supervisor started.
  package var restarts: Int64
  /// `HOST:PORT` of the index or of the uploads; empty if there is none.
  package var address: String
  /// Since when it has been in this state.
  package var since: Timestamp
  /// Why it is not running, if known.
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

  package init(_ fields: some FieldReader) throws(WireFailure) {
    guard try fields.string("event") == "process" else { throw .badRequest("event is process") }
    name = try fields.string("name")
    role = try fields.word("role")
    pid = try fields.optionalInteger("pid", in: 0 ... .max)
    state = try fields.string("state")
    responsive = try fields.bool("responsive")
    restarts = try fields.integer("restarts", in: 0 ... .max)
    address = try fields.string("address")
    since = try fields.timestamp("since")
    reason = try fields.optionalString("reason")
  }

  /// `{"event":"process",…}`
  package func write(to fields: inout some FieldWriter) {
    fields.member("event", "process")
    fields.member("name", name)
    fields.member("role", role.rawValue)
    if let pid { fields.member("pid", pid) } else { fields.null("pid") }
    fields.member("state", state)
    fields.member("responsive", responsive)
    fields.member("restarts", restarts)
    fields.member("address", address)
    fields.member("since", since)
    if let reason { fields.member("reason", reason) }
  }
}
