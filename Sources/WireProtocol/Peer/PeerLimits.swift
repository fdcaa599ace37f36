// SPDX-License-Identifier: Apache-2.0

/// What a peer takes from one connection, as its `hello` states it.
package struct PeerLimits: Equatable, Sendable {
  /// The longest line in bytes.
  package var line = 65_536
  /// Bytes of one `get`.
  package var get = 4_194_304
  /// Requests that may wait for their answer.
  package var inflight = 64
  /// Seconds until `hello` must have come.
  package var hello = 30
  /// Seconds in which a connection must ask for something or take something of what it asked for.
  package var idle = 120
  /// Connections of the whole peer.
  package var connections = 1000
  /// Connections of one address other than the peer's own machine.
  package var connectionsPerAddress = 32

  package init() {}

  /// The names under which the limits stand in `hello` and in refusals.
  package var named: [(name: StaticString, value: Int)] {
    [
      ("line", line), ("get", get), ("inflight", inflight), ("hello", hello), ("idle", idle),
      ("connections", connections), ("connections_per_address", connectionsPerAddress),
    ]
  }
}
