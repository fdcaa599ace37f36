// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Opens log files. Only a regular file or a character device is appended to: opening a FIFO could block without end, and a
/// link could lead anywhere. What else lies in the way is moved aside, because a process has to log in any case.
package enum AppendedFile {
  /// Opens a file of mode 0600 for appending, and creates it if missing.
  /// - Parameter readable: whether it is opened for reading as well.
  package static func open(_ path: String, readable: Bool = false) throws(SystemError) -> CInt {
    do throws(SystemError) {
      return try openRegular(path, readable: readable)
    } catch {
      guard isInTheWay(error.code, path), rename(path, "\(path).aside") == 0 else { throw error }
    }
    return try openRegular(path, readable: readable)
  }

  private static func openRegular(_ path: String, readable: Bool) throws(SystemError) -> CInt {
    // A FIFO without a reader refuses a writer that does not block: ENXIO in fifo(7).
    let flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    let descriptor = Glibc.open(path, flags | (readable ? O_RDWR : O_WRONLY), 0o600)
    guard descriptor >= 0 else { throw SystemError(errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, [S_IFREG, S_IFCHR].contains(status.st_mode & S_IFMT) else {
      close(descriptor)
      throw SystemError(ENXIO)
    }
    return descriptor
  }

  /// Whether the failure is due to what is at the path, and not to its directory.
  private static func isInTheWay(_ code: CInt, _ path: String) -> Bool {
    var status = stat()
    return [ENXIO, ELOOP, EISDIR, EACCES, ENODEV].contains(code) && lstat(path, &status) == 0
  }
}
