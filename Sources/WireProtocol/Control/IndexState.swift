// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// How a peer stands with the index.
package struct IndexState: ControlMessage {
  /// What decided the address.
  package enum Source: String, CaseIterable, Sendable {
    /// What the daemon was started with.
    case settings
    /// What a person chose with `connect`.
    case connect
  }

  package var address: Endpoint
  package var connected: Bool
  /// Since when it is connected, or not.
  package var since: Timestamp
  package var source: Source
  /// Why it is not connected; `nil` where it is, and where nothing went wrong yet.
  package var error: String?

  package init(address: Endpoint, connected: Bool, since: Timestamp, source: Source, error: String? = nil) {
    self.address = address
    self.connected = connected
    self.since = since
    self.source = source
    self.error = error
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    address = try fields.endpoint("address")
    connected = try fields.optionalFlag("connected") ?? false
    since = try fields.timestamp("since")
    source = try fields.word("source")
    error = try fields.optionalString("error")
  }

  package var members: JSONMembers {
    var members: JSONMembers = [
      "address": .string(address.description), "connected": .bool(connected), "since": .string(since.text),
      "source": .string(source.rawValue),
    ]
    if let error { members["error"] = .string(error) }
    return members
  }
}
