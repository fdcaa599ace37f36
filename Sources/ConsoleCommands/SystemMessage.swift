// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the system calls an errno.
enum SystemMessage {
  static func of(_ number: Int32) -> String {
    strerror(number).map { String(cString: $0) } ?? "error \(number)"
  }
}
