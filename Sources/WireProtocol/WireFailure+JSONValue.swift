// SPDX-License-Identifier: Apache-2.0

package import LineJSON

// MARK: On control sockets and the supervisor's channel

extension WireFailure {
  /// The line that answers request `id`; `nil` where the request had none. `details` are members beside the usual ones.
  package func json(id: Int64?, details: JSONMembers = [:]) -> JSONValue {
    var members: JSONMembers = [
      "id": id.map { .integer($0) } ?? .null, "status": .integer(Int64(code.status)), "error": .string(code.rawValue),
      "message": .string(message),
    ]
    if let limit {
      members["limit"] = .string(limit.name)
      members["value"] = .integer(Int64(limit.value))
    }
    if let retryAfter { members["retry_after"] = .integer(Int64(retryAfter)) }
    for detail in details { members[detail.key] = detail.value }
    return .object(members)
  }
}
