// SPDX-License-Identifier: Apache-2.0

/// Which connections a listener takes without TLS.
package enum PlainConnections: String, CaseIterable, Sendable {
  /// Those from its own machine.
  case loopback
  case always
  case never
}
