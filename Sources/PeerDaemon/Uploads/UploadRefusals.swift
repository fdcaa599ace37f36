// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineTransport
import WireProtocol

/// Refusals of a connection, as another peer gets them.
extension WireFailure {
  init(_ refusal: ConnectionRefusal) {
    let limit: Limit
    switch refusal {
    case .tooMany(let value): limit = Limit("connections", value)
    case .tooManyOfAddress(let value): limit = Limit("connections_per_address", value)
    case .lineMemory(let value): limit = Limit("line_memory", value)
    case .plain:
      self = .tlsRequired
      return
    }
    self.init(.tooMany, "this peer has too many connections", limit: limit, retryAfter: 5)
  }
}
