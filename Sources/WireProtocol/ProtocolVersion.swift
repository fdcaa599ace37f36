// SPDX-License-Identifier: Apache-2.0

/// What the programs say of themselves in `hello`.
package enum ProtocolVersion {
  /// The number of the wire protocol, index, peer and control plane.
  package static let wire: Int64 = 1
  /// The number of the channel between the supervisor and its children.
  package static let channel: Int64 = 1
  /// Of all programs of this package.
  package static let program = "0.1.0"
}
