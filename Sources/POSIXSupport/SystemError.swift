// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A failed system call, by its errno(3).
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  package let code: CInt

  package init(_ code: CInt) {
    self.code = code
  }

  /// The system's own words for the number: strerror(3).
  package var description: String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
  }
}
