// SPDX-License-Identifier: Apache-2.0

import CProcess
package import Glibc
import POSIXSupport

/// An open descriptor, closed with the last reference.
package final class OpenFile: Sendable {
  package let descriptor: CInt
  /// The path it was opened by, for messages.
  package let path: String

  /// Takes ownership of the descriptor.
  init(descriptor: CInt, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  /// Opens a regular file for reading. No segment of the path may be a symbolic link: otherwise anyone who can write in a
  /// directory on the way could have another file of this user read.
  package static func reading(_ path: String) throws(StoreError) -> (file: OpenFile, status: stat) {
    // O_NONBLOCK: opening a FIFO would wait for a writer.
    let file = try withoutLinks(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    let status = try file.status()
    switch status.st_mode & S_IFMT {
    case S_IFREG: return (file, status)
    case S_IFDIR: throw StoreError(.notAFile, path, "is a directory")
    default: throw StoreError(.notAFile, path, "is not a regular file")
    }
  }

  /// Opens a directory to read its names. No segment of the path may be a symbolic link.
  package static func listing(_ path: String) throws(StoreError) -> OpenFile {
    try withoutLinks(path, O_RDONLY | O_DIRECTORY)
  }

  /// O_PATH, a macro that Swift does not import.
  static let pathOnly: CInt = 0o10_000_000

  /// Opens a directory only to pass through it: its permissions may forbid to read it.
  package static func passing(_ path: String) throws(StoreError) -> OpenFile {
    try withoutLinks(path, pathOnly | O_DIRECTORY)
  }

  private static func withoutLinks(_ path: String, _ flags: CInt) throws(StoreError) -> OpenFile {
    let descriptor = file_open_without_links(path, flags)
    guard descriptor >= 0 else {
      if descriptor == -ELOOP { throw StoreError(.notAFile, path, "is or lies behind a symbolic link") }
      throw .reading(path, -descriptor)
    }
    return OpenFile(descriptor: descriptor, path: path)
  }

  /// Opens a directory. It stays the same if it is renamed.
  static func directory(_ path: String) throws(StoreError) -> OpenFile {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw StoreError(errno == ENOTDIR ? .notADirectory : .cannotCreate, path, SystemError(errno).description)
    }
    return OpenFile(descriptor: descriptor, path: path)
  }

  package func status() throws(StoreError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .reading(path, errno) }
    return status
  }

  /// The path now, without symbolic links. `nil` if it is not UTF-8 or /proc is missing.
  var currentPath: String? {
    let name = "/proc/self/fd/\(descriptor)"
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
      guard let start = buffer.baseAddress else { return nil }
      let count = readlink(name, start, buffer.count)
      let bytes = UnsafeRawBufferPointer(buffer).prefix(max(count, 0))
      guard let path = String(validating: bytes, as: UTF8.self), !path.isEmpty else { return nil }
      return path
    }
  }

  package func fingerprint() throws(StoreError) -> FileFingerprint { FileFingerprint(try status()) }

  /// A second descriptor of the same open file, owned by the caller.
  package func duplicate() throws(StoreError) -> CInt {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { throw .reading(path, errno) }
    return copy
  }

  /// Reads into the buffer, from `offset`.
  /// - Returns: number of bytes read: fewer than the buffer has only at the end of the file.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(StoreError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(filled))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .reading(path, errno) }
      guard count > 0 else { break }
      filled += count
    }
    return filled
  }

  /// Reads a part of the file into the page cache, so that sendfile(2) does not wait for the disk.
  /// - Returns: number of bytes that were not there.
  @discardableResult
  package func load(_ length: Int64, at offset: Int64) throws(StoreError) -> Int64 {
    let loaded = file_load(descriptor, offset, length)
    guard loaded >= 0 else { throw .reading(path, CInt(-loaded)) }
    return loaded
  }

  /// Writes all bytes from `offset`.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(StoreError) {
    var written = 0
    while written < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
      let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(written))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .writing(path, count < 0 ? errno : EIO) }
      written += count
    }
  }

  /// Flushes bytes, size and permissions to the device: fsync(2).
  func synchronize() throws(StoreError) {
    while fsync(descriptor) != 0 {
      guard errno == EINTR else { throw .writing(path, errno) }
    }
  }

  /// Flushes bytes and size to the device: fdatasync(2).
  func synchronizeData() throws(StoreError) {
    while fdatasync(descriptor) != 0 {
      guard errno == EINTR else { throw .writing(path, errno) }
    }
  }
}

extension OpenFile {
  /// Whether something is mounted at a name in this directory, also a part of the same file system.
  package func isMountPoint(_ name: String) -> Bool {
    file_is_mount_point(descriptor, name)
  }
}
