// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Reads the names in a directory as the bytes they are: Linux requires no encoding. `.` and `..` are left out; the
/// order is the file system's.
package enum DirectoryNames {
  /// - Parameter max: reading ends after this many names.
  package static func read(_ path: String, max: Int) throws(SystemError) -> [[UInt8]] {
    try read(path, max: max) { $0 }
  }

  /// - Parameters:
  ///   - max: reading ends after this many results.
  ///   - transform: returns `nil` for a name to skip.
  package static func read<Element>(
    _ path: String, max: Int, _ transform: ([UInt8]) -> Element?
  ) throws(SystemError) -> [Element] {
    guard let stream = opendir(path) else { throw SystemError(errno) }
    defer { closedir(stream) }
    return try read(stream, max: max, transform)
  }

  /// Reads an open directory, from its beginning; `directory` stays open and keeps its position.
  package static func read<Element>(
    directory: CInt, max: Int, _ transform: ([UInt8]) -> Element?
  ) throws(SystemError) -> [Element] {
    // A second open file: the position belongs to the open file, and closedir(3) closes the descriptor.
    let copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0 else { throw SystemError(errno) }
    guard let stream = fdopendir(copy) else {
      let error = SystemError(errno)
      close(copy)
      throw error
    }
    defer { closedir(stream) }
    return try read(stream, max: max, transform)
  }

  private static func read<Element>(
    _ stream: OpaquePointer, max: Int, _ transform: ([UInt8]) -> Element?
  ) throws(SystemError) -> [Element] {
    var elements = [Element]()
    while elements.count < max {
      // readdir(3) reports its end and its failures alike; only errno tells them apart.
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw SystemError(errno) }
        break
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      guard name != [0x2E], name != [0x2E, 0x2E], let element = transform(name) else { continue }
      elements.append(element)
    }
    return elements
  }
}
