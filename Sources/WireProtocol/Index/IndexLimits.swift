// SPDX-License-Identifier: Apache-2.0

/// What an index takes from one session, as its `hello` states it.
package struct IndexLimits: Equatable, Sendable {
  /// The longest line in bytes.
  package var line = 1_048_576
  /// Documents in one `add` or `remove`.
  package var batch = 1000
  /// Requests of one connection that may wait for their answer.
  package var inflight = 256
  /// Seconds within which a connection has to say `hello`.
  package var hello = 30
  /// Seconds of silence after which a session with records is dropped.
  package var idle = 10
  /// Holders of one content in the answer to `lookup`.
  package var holders = 50
  /// Contents in the answer to `lookup`.
  package var contents = 16
  /// Rows of `list` and `peers` in one answer.
  package var page = 1000
  /// Records of one session.
  package var records = 1_000_000
  /// Connections of the whole server.
  package var connections = 18_000
  /// Connections of one address other than the index's own machine.
  package var connectionsPerAddress = 256

  package init() {}

  /// The names under which the limits stand in `hello` and in refusals.
  package var named: [(name: StaticString, value: Int)] {
    [
      ("line", line), ("batch", batch), ("inflight", inflight), ("hello", hello), ("idle", idle),
      ("holders", holders), ("contents", contents), ("page", page), ("records", records),
      ("connections", connections), ("connections_per_address", connectionsPerAddress),
    ]
  }
}
