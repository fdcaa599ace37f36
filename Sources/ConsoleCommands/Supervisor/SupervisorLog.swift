// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc

/// The file that takes what the supervisor prints, opened for appending; knows what is new in it.
struct SupervisorLog: ~Copyable {
  private static let shownBytes = 4_096
  private static let shownLines = 12

  let path: String
  let descriptor: Int32
  /// Where the words of this run begin.
  private let start: off_t

  /// Makes the directories that are missing, for the owner alone. Does not follow a link in place of the file.
  init(path: String, directory: String) throws(CommandFailure) {
    try Self.makeDirectories(directory)
    let descriptor = Glibc.open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw Self.failure(path, errno) }
    self.descriptor = descriptor
    start = lseek(descriptor, 0, SEEK_END)
    self.path = path
  }

  deinit {
    close(descriptor)
  }

  /// The last lines of this run, fit for a terminal.
  func lastLines() -> [String] {
    let end = lseek(descriptor, 0, SEEK_END)
    let from = max(start, end - off_t(Self.shownBytes))
    guard from >= 0, end > from else { return [] }
    var bytes = [UInt8](repeating: 0, count: Int(end - from))
    let count = pread(descriptor, &bytes, bytes.count, from)
    guard count > 0 else { return [] }
    let lines = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n")
    return lines.suffix(Self.shownLines).map { TextRules.escapedForTerminal(String($0)) }
  }

  private static func makeDirectories(_ path: String) throws(CommandFailure) {
    var current = ""
    for part in path.split(separator: "/") {
      current += "/\(part)"
      guard mkdir(current, 0o700) == 0 || errno == EEXIST else { throw failure(current, errno) }
    }
  }

  private static func failure(_ path: String, _ number: Int32) -> CommandFailure {
    CommandFailure(
      number == EACCES || number == EPERM ? .notPermitted : .cannotCreate,
      "cannot create \(TextRules.escapedForTerminal(path)): \(SystemMessage.of(number))",
      ["Choose a place of your own with P2P_HOME or --home."])
  }
}
