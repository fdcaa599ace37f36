// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Lines that were typed, kept for the next time: readable by their owner alone, and never through a link.
package final class HistoryFile {
  package static let limit = 1_000
  private static let longestFile = 1 << 20

  /// What was typed before, the oldest first.
  package let lines: [String]
  private let descriptor: Int32

  /// `nil` where there is no such place, or what is there is no file of the caller's.
  package init?(path: String) {
    guard Self.isOwn(directoryOf: path) else { return nil }
    let file = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
    guard file >= 0 else { return nil }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
      status.st_nlink == 1
    else {
      close(file)
      return nil
    }
    fchmod(file, 0o600)
    let all = Self.read(file)
    if all.count > Self.limit || status.st_size > off_t(Self.longestFile) {
      ftruncate(file, 0)
      Self.write(all.suffix(Self.limit / 2).map { $0 + "\n" }.joined(), to: file)
    }
    lines = Array(all.suffix(Self.limit))
    descriptor = file
  }

  deinit {
    close(descriptor)
  }

  package func append(_ line: String) {
    Self.write(line + "\n", to: descriptor)
  }

  /// Root that asks another user's daemon leaves nothing where that user could have laid a trap.
  private static func isOwn(directoryOf path: String) -> Bool {
    guard let slash = path.lastIndex(of: "/") else { return false }
    var status = stat()
    return lstat(String(path[..<slash]), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
      && status.st_uid == geteuid()
  }

  /// The last part of a file that has grown too long.
  private static func read(_ file: Int32) -> [String] {
    let size = lseek(file, 0, SEEK_END)
    let from = max(0, size - off_t(longestFile))
    var bytes = [UInt8](repeating: 0, count: Int(max(0, size - from)))
    let count = pread(file, &bytes, bytes.count, from)
    guard count > 0 else { return [] }
    return String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// A line that is lost on a full disk is no reason to stop.
  private static func write(_ text: String, to file: Int32) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
  }
}
