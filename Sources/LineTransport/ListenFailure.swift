// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore

/// Why a server cannot listen, in words that say what to do.
package enum ListenFailure {
  package static func explain(_ error: any Error, listen: some CustomStringConvertible) -> String {
    guard let code = (error as? IOError)?.errnoCode else { return "cannot listen at \(listen): \(error)" }
    let reason = "cannot listen at \(listen): \(String(cString: strerror(code)))"
    switch code {
    case EADDRINUSE:
      return "\(reason). Perhaps it runs there already; --listen HOST:PORT chooses another address"
    case EADDRNOTAVAIL:
      return "\(reason). --listen takes an address of this machine"
    case EACCES:
      return "\(reason). Ports below 1024 need special rights"
    default:
      return reason
    }
  }
}
