// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import Testing

@Suite struct WildcardAddressTests {
  @Test(arguments: [(EAFNOSUPPORT, true), (EADDRNOTAVAIL, true), (EADDRINUSE, false), (EACCES, false), (0, false)])
  func `only a machine without IPv6 falls back`(error: CInt, isUnsupported: Bool) {
    #expect(WildcardAddress.isUnsupported(error) == isUnsupported)
  }
}
