// SPDX-License-Identifier: Apache-2.0

extension Figure {
  static let plain = "p2p, the same client without TLS"
  static let secureCurl = "curl from nginx, TLS 1.3, no hash"

  /// The figures of the closed mode, in the order of the table.
  static let closed: [Figure] = [
    Figure(
      .secureLookup, "look-up over TLS, 1 holder, depth 16", .requestsPerSecond,
      rivals: [Rival(plain, .atLeast(0.6))]),
    Figure(
      .handshakes, "connect, handshake, hello and close, 64 at a time", .connectionsPerSecond, goal: .reaching(1_000)),
    Figure(.secureReturn, "15,000 peers come back over TLS, until all is found", .seconds, goal: .within(20)),
    Figure(.secureMemory, "memory of an idle TLS connection with 10 documents", .bytes, goal: .within(40_000)),
    Figure(
      .secureGet, "get of 1 GiB over TLS", .megabytesPerSecond, rivals: [Rival(secureCurl, .atLeast(0.75))]),
    Figure(.join, "join and get of 10 KB, nothing running before", .seconds, goal: .within(0.5)),
  ]
}
