// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc

/// A file that holds space back, so that documents can be removed, and the database opened, on a full disk.
struct SpaceReserve: Sendable {
  /// In bytes. SQLite moves its journal into the database when it has 1,000 pages, 4 MiB, which may all be new; the rest is
  /// for the journal's index.
  private static let size: Int64 = (4 << 20) + (256 << 10)

  let path: String

  /// Takes the space if it is free. Best effort.
  func fill() {
    let file = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
    guard file >= 0 else { return }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, Int64(status.st_size) < Self.size else {
      return
    }
    // A file without blocks would hold nothing back.
    if file_allocate(file, Self.size) != 0 { unlink(path) }
  }

  /// Frees the space. False if there was none.
  func spend() -> Bool { unlink(path) == 0 }
}

/// The room in a file system.
enum FreeSpace {
  /// In bytes, for users without privileges; `nil` if unknown.
  static func at(_ path: String) -> UInt64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return bytes(status)
  }

  static func bytes(_ status: statvfs) -> UInt64? {
    let (free, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return overflow ? nil : free
  }
}

extension StoreError {
  /// A full file system: what is needed there, and the cure.
  static func full(_ path: String, need: Int64) -> StoreError {
    let free = FreeSpace.at(path).map { "\($0) bytes are free" } ?? "it is full"
    return StoreError(
      .noSpace, path, "no space on its file system: \(free), \(need) are needed. Free some space there and try again")
  }
}
