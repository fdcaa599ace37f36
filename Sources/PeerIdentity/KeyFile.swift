// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport

/// A small secret in its own file.
struct KeyFile {
  /// In bytes; a key in PEM is far shorter.
  private static let maxLength = 16_384

  let path: String

  private var directory: String { path.parent ?? "." }

  /// Whoever can write in the directory can put another key, or another database, in place of the one that is there.
  func checkDirectory() throws(IdentityError) {
    var status = stat()
    guard stat(directory, &status) == 0 else {
      // Then there is no file, which is reported where one is needed.
      if errno == ENOENT { return }
      throw error(.unreadable, "cannot be examined: \(SystemError(errno))")
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw IdentityError(
        code: .foreign, path: directory,
        reason: "belongs to user \(status.st_uid), not to the user \(geteuid()) that runs this process")
    }
    guard status.st_mode & 0o022 == 0 else {
      throw IdentityError(
        code: .exposed, path: directory,
        reason: "has a key and can be written by others: type chmod go-w '\(directory)'")
    }
  }

  /// `nil` if there is no file.
  func read() throws(IdentityError) -> String? {
    // O_NONBLOCK: opening a FIFO would wait for a writer.
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      switch errno {
      case ENOENT: return nil
      case ELOOP:
        throw error(.notAFile, "is a symbolic link: replace it by the key itself, or remove it to get a new id")
      default: throw error(.unreadable, "cannot be read: \(SystemError(errno))")
      }
    }
    defer { close(descriptor) }
    try check(descriptor)
    return try contents(of: descriptor)
  }

  private func check(_ descriptor: CInt) throws(IdentityError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw error(.unreadable, "cannot be examined: \(SystemError(errno))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw error(.notAFile, "is not a regular file") }
    guard status.st_uid == geteuid() else {
      throw error(.foreign, "belongs to user \(status.st_uid), not to the user \(geteuid()) that runs this process")
    }
    guard status.st_mode & 0o077 == 0 else {
      throw error(.exposed, "can be read by others: type chmod 600 '\(path)'")
    }
  }

  private func contents(of descriptor: CInt) throws(IdentityError) -> String {
    do throws(SystemError) {
      return String(decoding: try SmallFile.prefix(of: descriptor, max: Self.maxLength), as: UTF8.self)
    } catch {
      throw self.error(.unreadable, "cannot be read: \(error)")
    }
  }

  /// Creates the file with mode 0600, complete and durable.
  /// - Returns: false if another process was first.
  func create(holding text: String) throws(IdentityError) -> Bool {
    let suffix = String(UInt64.random(in: .min ... .max), radix: 36)
    let temporary = "\(path).\(suffix)"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw error(.cannotCreate, "cannot be created: \(SystemError(errno))") }
    defer {
      close(descriptor)
      unlink(temporary)
    }
    try write(Array(text.utf8), to: descriptor)
    // link(2), unlike rename(2), never replaces the key of a faster process.
    guard link(temporary, path) == 0 else {
      guard errno != EEXIST else { return false }
      throw error(.cannotCreate, "cannot be created: \(SystemError(errno))")
    }
    try syncDirectory()
    return true
  }

  private func write(_ bytes: [UInt8], to descriptor: CInt) throws(IdentityError) {
    do throws(SystemError) {
      try SmallFile.write(all: bytes, to: descriptor)
    } catch {
      throw self.error(.cannotCreate, "cannot be written: \(error)")
    }
    guard fsync(descriptor) == 0 else { throw error(.cannotCreate, "cannot be written: \(SystemError(errno))") }
  }

  private func syncDirectory() throws(IdentityError) {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw error(.cannotCreate, "cannot be made durable: \(SystemError(errno))") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw error(.cannotCreate, "cannot be made durable: \(SystemError(errno))") }
  }

  private func error(_ code: IdentityError.Code, _ reason: String) -> IdentityError {
    IdentityError(code: code, path: path, reason: reason)
  }
}
