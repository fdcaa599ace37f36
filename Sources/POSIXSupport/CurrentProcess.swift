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

  /// The working directory, as an absolute path. `nil` if there is none, or if its name is not UTF-8.
  package static func workingDirectory() -> String? {
    workingDirectoryBytes().flatMap { String(validating: $0, as: UTF8.self) }
  }

  /// The bytes of the working directory: getcwd(3). `nil` if it was removed or lies outside the root directory, which Linux
  /// reports as "(unreachable)…".
  package static func workingDirectoryBytes() -> [UInt8]? {
    guard let text = getcwd(nil, 0) else { return nil }
    defer { free(text) }
    let bytes = bytes(of: text)
    return bytes.first == UInt8(ascii: "/") ? bytes : nil
  }

  /// The bytes of an environment variable; `nil` if it is not set.
  package static func variableBytes(_ name: String) -> [UInt8]? {
    getenv(name).map { bytes(of: $0) }
  }

  /// The arguments without the program's name. `CommandLine.arguments` would repair what is not UTF-8.
  package static func argumentBytes() -> [[UInt8]] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { index in CommandLine.unsafeArgv[index].map { bytes(of: $0) } }
  }

  private static func bytes(of text: UnsafeMutablePointer<CChar>) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
  }

  /// The directory of the executable, without a slash at its end. `nil` if /proc is not mounted, or if its name is not
  /// UTF-8.
  package static func executableDirectory() -> String? {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &path, path.count)
    guard count > 0, let slash = path.prefix(count).lastIndex(of: CChar(UInt8(ascii: "/"))) else { return nil }
    return String(validating: path[..<slash].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
