// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why the measurements cannot go on.
struct BenchFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }

  /// A system call that has just failed.
  static func system(_ what: String) -> BenchFailure {
    BenchFailure("\(what): \(String(cString: strerror(errno)))")
  }
}
