// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// The last line that answers a request to the supervisor; the rows of `status` go before it as events.
package enum SupervisorReply: Sendable, Equatable {
  /// To `hello`.
  case hello
  /// To `status`: the number of rows that went before.
  case status(processes: Int)
  /// To `reload`: which settings have changed, by their names in the file, and which will at the next start.
  case reloaded(applied: [String], postponed: [String])
  /// To `start`, `stop` and `restart`: it is under way; to `stop` without a name: everything is gone.
  case done
  /// To `wait`: whether every process is ready.
  case settled(ready: Bool)
  case failure(WireFailure)

  /// - Parameter id: `nil` where the request had none that could be read.
  package func json(id: Int64?) -> JSONValue {
    if case .failure(let failure) = self { return failure.json(id: id) }
    var members: JSONMembers = ["id": id.map { .integer($0) } ?? .null, "status": 200]
    putSuccess(into: &members)
    return .object(members)
  }

  private func putSuccess(into members: inout JSONMembers) {
    switch self {
    case .hello:
      members["protocol"] = .integer(ProtocolVersion.wire)
      members["server"] = .string("p2p-supervisor/\(ProtocolVersion.program)")
      members["role"] = .string(ProcessRole.supervisor.rawValue)
      members["name"] = .string(ProcessRole.supervisor.rawValue)
      members["limits"] = ["line": .integer(Int64(SupervisorRequest.maximumLine))]
    case .status(let processes):
      members["processes"] = .integer(Int64(processes))
    case .settled(let ready):
      members["ready"] = .bool(ready)
    case .reloaded(let applied, let postponed):
      members["applied"] = .array(applied.map { .string($0) })
      members["postponed"] = .array(postponed.map { .string($0) })
    case .done, .failure:
      break
    }
  }
}
