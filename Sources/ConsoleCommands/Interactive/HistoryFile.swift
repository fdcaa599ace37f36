// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import WireProtocol

/// The lines typed in earlier sessions. Mode 0600; links are never followed.
package final class HistoryFile {
  package static let maxLines = 1_000
  private static let maxBytes = 1 << 20

  /// Earlier lines, oldest first.
  package let lines: [String]
  private let descriptor: Int32

  /// `nil` if the directory or the file is not the caller's own.
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
    if all.count > Self.maxLines || status.st_size > off_t(Self.maxBytes) {
      ftruncate(file, 0)
      Self.write(all.suffix(Self.maxLines / 2).map { $0 + "\n" }.joined(), to: file)
    }
    lines = Array(all.suffix(Self.maxLines))
    descriptor = file
  }

  deinit {
    close(descriptor)
  }

  package func append(_ line: String) {
    guard Self.isKept(line) else { return }
    Self.write(line + "\n", to: descriptor)
  }

  /// Leaves out tickets, which let anybody join who reads them, and what may be a piece of one: pasted line by line.
  package static func isKept(_ line: String) -> Bool {
    let words = line.split(whereSeparator: \.isWhitespace).drop { $0 == "p2pctl" }
    guard let verb = words.first, verb != "join", TicketText(line) == .none else { return false }
    if RootCommand.subcommandNames().contains(String(verb)) || Repl.exitCommands.contains(String(verb)) { return true }
    return !line.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "-" && $0 != "_" })
      .contains(where: TicketText.mayBePiece)
  }

  /// Root writes nothing into a directory of another user, who could have planted a link.
  private static func isOwn(directoryOf path: String) -> Bool {
    guard let parent = path.parent else { return false }
    var status = stat()
    return lstat(parent, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
      && status.st_uid == geteuid()
  }

  /// The lines at the end of the file, at most `maxBytes` of them.
  private static func read(_ file: Int32) -> [String] {
    let size = lseek(file, 0, SEEK_END)
    let from = max(0, size - off_t(maxBytes))
    var bytes = [UInt8](repeating: 0, count: Int(max(0, size - from)))
    let count = pread(file, &bytes, bytes.count, from)
    guard count > 0 else { return [] }
    return String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Errors are ignored: a line lost on a full disk does not matter.
  private static func write(_ text: String, to file: Int32) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
  }
}
