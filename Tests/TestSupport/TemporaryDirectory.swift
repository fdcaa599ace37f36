// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A directory that is removed with its content when the test ends.
package final class TemporaryDirectory: Sendable {
  package let path: String

  package init() throws {
    var template = Array("/tmp/p2p-test.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw RawConnection.Failure(description: "mkdtemp: \(errno)") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// A path in the directory.
  package func file(_ name: String) -> String {
    path + "/" + name
  }

  /// Writes a file and returns its path.
  @discardableResult
  package func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = file(name)
    guard let handle = fopen(path, "w") else { throw RawConnection.Failure(description: "fopen \(path): \(errno)") }
    defer { fclose(handle) }
    guard fwrite(bytes, 1, bytes.count, handle) == bytes.count else {
      throw RawConnection.Failure(description: "fwrite \(path): \(errno)")
    }
    return path
  }

  /// All bytes of a file; `nil` if it cannot be opened.
  package static func read(_ path: String) -> [UInt8]? {
    guard let handle = fopen(path, "r") else { return nil }
    defer { fclose(handle) }
    var bytes = [UInt8]()
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&chunk, 1, chunk.count, handle)
      guard count > 0 else { return bytes }
      bytes += chunk[..<count]
    }
  }
}
