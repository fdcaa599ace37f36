// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The addresses that mean all addresses of this machine.
package enum WildcardAddress {
  /// In the order to try. A socket bound to the first takes IPv4 connections, too: ipv6(7).
  package static let hosts = ["::", "0.0.0.0"]

  /// Whether bind(2) or socket(2) failed because the machine has no IPv6, so that the next address is worth trying.
  package static func isUnsupported(_ errno: CInt) -> Bool {
    errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL
  }
}
