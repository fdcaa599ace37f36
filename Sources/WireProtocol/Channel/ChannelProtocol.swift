// SPDX-License-Identifier: Apache-2.0

/// The private line protocol between the supervisor and each of its children, on a socket pair that the child inherits.
package enum ChannelProtocol {
  /// The environment variable that holds the child's descriptor number.
  package static let environmentVariable = "P2P_CHANNEL"
  /// The longest line either side sends or takes, in bytes.
  package static let maximumLine = 65_536
}
