// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What this process was given: environment, working directory, executable.
package enum CurrentProcess {
  /// The environment: environ(7). Call it before other threads exist: nothing guards the list against setenv(3).
  package static func environment() -> [String: String] {
    var variables: [String: String] = [:]
    var next = environ
    while let entry = next.pointee {
      let text = String(cString: entry)
      if let sign = text.firstIndex(of: "="), sign > text.startIndex {
        variables[String(text[..<sign])] = String(text[text.index(after: sign)...])
      }
      next += 1
    }
    return variables
  }

  /// The working directory, as an absolute path: getcwd(3). `nil` if it was removed or lies outside the root directory,
  /// which Linux reports as "(unreachable)…".
  package static func workingDirectory() -> String? {
    guard let text = getcwd(nil, 0) else { return nil }
    defer { free(text) }
    let path = String(cString: text)
    return path.hasPrefix("/") ? path : nil
  }

  /// The directory of the executable, without a slash at its end. `nil` if /proc is not mounted.
  package static func executableDirectory() -> String? {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &path, path.count)
    guard count > 0, let slash = path.prefix(count).lastIndex(of: CChar(UInt8(ascii: "/"))) else { return nil }
    return String(decoding: path[..<slash].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
