// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Whole small files. Reading never waits for another process: a FIFO is refused.
package enum SmallFile {
  /// All bytes of a file.
  /// - Throws: `EFBIG` for more than `max` bytes, `EINVAL` for a FIFO, `ELOOP` for a link that is not followed.
  package static func read(_ path: String, max: Int = 1 << 20, followsLinks: Bool = true) throws(SystemError) -> [UInt8]
  {
    try withDescriptor(path, followsLinks: followsLinks) { descriptor throws(SystemError) in
      let bytes = try prefix(of: descriptor, max: max)
      guard bytes.count < max || isAtEnd(descriptor) else { throw SystemError(EFBIG) }
      return bytes
    }
  }

  /// The first `max` bytes of a file, or all if it has fewer.
  package static func prefix(of path: String, max: Int) throws(SystemError) -> [UInt8] {
    try withDescriptor(path, followsLinks: true) { descriptor throws(SystemError) in
      try prefix(of: descriptor, max: max)
    }
  }

  /// The next `max` bytes of an open file, or all that are left if there are fewer.
  package static func prefix(of descriptor: CInt, max: Int) throws(SystemError) -> [UInt8] {
    var bytes = [UInt8]()
    var chunk = [UInt8](repeating: 0, count: min(max, 16_384))
    while bytes.count < max {
      let count = Glibc.read(descriptor, &chunk, min(chunk.count, max - bytes.count))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw SystemError(errno) }
      guard count > 0 else { break }
      bytes += chunk.prefix(count)
    }
    return bytes
  }

  /// Replaces a file: readers find the old or the new content, also after kill -9. Does not wait for the device. A link or
  /// FIFO at the path is replaced, too; a directory is moved aside, to a name ending in `.aside`.
  package static func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) {
    let temporary = try create(beside: path)
    do throws(SystemError) {
      try write(bytes, to: temporary.descriptor)
      try rename(temporary.path, to: path)
    } catch {
      unlink(temporary.path)
      throw error
    }
  }

  /// Makes an empty file for the new content. What lies in the way is a left-over of ours, or is avoided.
  private static func create(beside path: String) throws(SystemError) -> (path: String, descriptor: CInt) {
    var failure = EEXIST
    for suffix in ["new", "new2", "new3"] {
      let temporary = "\(path).\(suffix)"
      if unlink(temporary) != 0, errno == EISDIR || errno == EPERM { rmdir(temporary) }
      let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
      if descriptor >= 0 { return (temporary, descriptor) }
      failure = errno
      guard failure == EEXIST else { break }
    }
    throw SystemError(failure)
  }

  private static func rename(_ temporary: String, to path: String) throws(SystemError) {
    guard Glibc.rename(temporary, path) != 0 else { return }
    guard errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST, Glibc.rename(path, "\(path).aside") == 0,
      Glibc.rename(temporary, path) == 0
    else { throw SystemError(errno) }
  }

  /// Writes everything to an open file.
  package static func write(all bytes: [UInt8], to descriptor: CInt) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw SystemError(errno) }
      rest = rest.dropFirst(count)
    }
  }

  /// Closes the descriptor.
  private static func write(_ bytes: [UInt8], to descriptor: CInt) throws(SystemError) {
    do throws(SystemError) {
      try write(all: bytes, to: descriptor)
    } catch {
      close(descriptor)
      throw error
    }
    guard close(descriptor) == 0 else { throw SystemError(errno) }
  }

  private static func withDescriptor(
    _ path: String, followsLinks: Bool, _ body: (CInt) throws(SystemError) -> [UInt8]
  ) throws(SystemError) -> [UInt8] {
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (followsLinks ? 0 : O_NOFOLLOW)
    let descriptor = open(path, flags)
    guard descriptor >= 0 else { throw SystemError(errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw SystemError(errno) }
    guard status.st_mode & S_IFMT != S_IFIFO else { throw SystemError(EINVAL) }
    return try body(descriptor)
  }

  private static func isAtEnd(_ descriptor: CInt) -> Bool {
    var byte: UInt8 = 0
    return Glibc.read(descriptor, &byte, 1) == 0
  }
}
