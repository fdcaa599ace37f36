// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix

/// Why no connection came about, in words for people.
enum ConnectFailure {
  static func explain(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
      // One for each address of the host; the last that was tried tells most.
      guard let last = error.connectionErrors.last else { return "\(error.host) has no address that is known here" }
      return explain(last.error)
    case let error as IOError: return String(cString: strerror(error.errnoCode))
    case ChannelError.connectTimeout: return "no answer in time"
    default: return "\(error)"
    }
  }
}
