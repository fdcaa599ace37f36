// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// The end of `connect`.
package struct ControlConnectReply: ControlReply {
  package var address: Endpoint
  package var connected: Bool
  package var source: IndexState.Source

  package init(address: Endpoint, connected: Bool, source: IndexState.Source) {
    self.address = address
    self.connected = connected
    self.source = source
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    address = try fields.endpoint("address")
    connected = try fields.optionalFlag("connected") ?? false
    source = try fields.word("source")
  }

  package var members: JSONMembers {
    [
      "address": .string(address.description), "connected": .bool(connected), "source": .string(source.rawValue),
    ]
  }
}
