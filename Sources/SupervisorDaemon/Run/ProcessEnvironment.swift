// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The environment of this process: environ(7).
package enum ProcessEnvironment {
  package static func current() -> [String: String] {
    var variables: [String: String] = [:]
    var next = environ
    while let entry = next.pointee {
      let text = String(cString: entry)
      if let sign = text.firstIndex(of: "=") {
        variables[String(text[..<sign])] = String(text[text.index(after: sign)...])
      }
      next += 1
    }
    return variables
  }
}
