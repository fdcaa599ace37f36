// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// A refusal on the control plane: the failure, and what helps a person to put it right.
package struct ControlFailure: Error, Equatable, Sendable {
  package var failure: WireFailure
  /// With `no-input`: each path that cannot be shared.
  package var paths: [PathProblem]
  /// With `several-contents`: what stands under the key.
  package var choices: [HeldContent]
  /// With `ambiguous-peer`: the holders that the name or the prefix fits.
  package var peers: [NamedPeer]

  package init(
    _ failure: WireFailure, paths: [PathProblem] = [], choices: [HeldContent] = [], peers: [NamedPeer] = []
  ) {
    self.failure = failure
    self.paths = paths
    self.choices = choices
    self.peers = peers
  }

  /// Reads a line whose `status` is not 200. A code from a later version becomes `internal`, with its message kept.
  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    let code = try fields.string("error")
    failure = WireFailure(
      ErrorCode(rawValue: code) ?? .internal, try fields.optionalString("message") ?? code,
      retryAfter: try fields.optionalInteger("retry_after", in: 0...86_400))
    if let name = try fields.optionalString("limit") {
      failure.limit = WireFailure.Limit(name, try fields.count("value"))
    }
    paths = try fields.elements("paths")
    choices = try fields.elements("choices")
    peers = try fields.elements("peers")
  }

  /// The whole line.
  /// - Parameter id: that of the request; `nil` where it had none that could be read.
  package func reply(to id: Int64?) -> JSONValue {
    var details: JSONMembers = [:]
    if !paths.isEmpty { details["paths"] = .array(paths.map(\.json)) }
    if !choices.isEmpty { details["choices"] = .array(choices.map(\.json)) }
    if !peers.isEmpty { details["peers"] = .array(peers.map(\.json)) }
    return failure.json(id: id, details: details)
  }
}
