// SPDX-License-Identifier: Apache-2.0

import LineJSON

/// The upload ports of peers, kept across restarts because other peers know them.
package struct PortMemory: Sendable, Equatable {
  private var ports: [String: UInt16] = [:]

  package init() {}

  package subscript(_ name: String) -> UInt16? {
    get { ports[name] }
    set { ports[name] = newValue }
  }

  /// Unreadable entries are ignored: at worst a peer gets another port.
  package init(_ bytes: [UInt8]) {
    guard let ports = try? Jansson.decode(bytes)["ports"]?.object else { return }
    for member in ports {
      if let port = member.value.integer.flatMap({ UInt16(exactly: $0) }), port > 0 { self.ports[member.key] = port }
    }
  }

  package var bytes: [UInt8] {
    let members = ports.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.integer(Int64($0.value))) }
    return (try? Jansson.encodeLine(["ports": .object(JSONMembers(members))])) ?? []
  }
}
