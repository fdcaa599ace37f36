// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The log of one process on the disk: its end, and then what is added to it. When it is full it is renamed to
/// `NAME.log.1`, what had that name to `NAME.log.2`, and so on: reading goes on through that.
package final class LogFile {
  /// Older files are looked for up to this number.
  private static let oldest = 9
  private static let chunk = 65_536
  /// So much of the end is read at most, and so much at once of what was added.
  private static let maxBytes = 32 << 20
  /// A line that grows longer is shown in parts.
  private static let longestLine = 65_536

  private struct Identity: Equatable {
    let device: dev_t
    let inode: ino_t
  }

  private let path: String
  private var descriptor: Int32 = -1
  private var identity: Identity?
  /// Where the next bytes are read.
  private var offset: off_t = 0
  /// The beginning of a line whose end is not written yet.
  private var unfinished: [UInt8] = []

  package init(path: String) {
    self.path = path
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  // MARK: The end

  /// The last lines of it, and of the files before it where it is shorter; then reading goes on behind them.
  /// - Parameter isWhole: whether a line whose end is not written yet is shown as well.
  package func last(_ count: Int, isWhole: Bool) -> [String] {
    open()
    var bytes = end(of: descriptor, lines: count + 1)
    if let end = bytes.lastIndex(of: Self.newline), !isWhole {
      unfinished = Array(bytes[(end + 1)...])
      bytes.removeSubrange((end + 1)...)
    }
    var lines = Self.lines(bytes)
    for number in 1...Self.oldest where lines.count < count {
      let file = Self.open("\(path).\(number)")
      guard file >= 0 else { break }
      lines = Self.lines(end(of: file, lines: count + 1)) + lines
      close(file)
    }
    return lines.suffix(count)
  }

  /// The end of a file from the beginning of a line on, with about so many ends of lines in it.
  private func end(of file: Int32, lines wanted: Int) -> [UInt8] {
    guard file >= 0 else { return [] }
    let size = max(0, lseek(file, 0, SEEK_END))
    if file == descriptor { offset = size }
    var parts = [[UInt8]]()
    var (start, ends) = (size, 0)
    while start > 0, ends <= wanted, size - start < off_t(Self.maxBytes) {
      let from = max(0, start - off_t(Self.chunk))
      let part = Self.read(file, at: from, Int(start - from))
      guard !part.isEmpty else { break }
      ends += part.count { $0 == Self.newline }
      parts.append(part)
      start = from
    }
    var bytes = Array(parts.reversed().joined())
    if start > 0, let first = bytes.firstIndex(of: Self.newline) { bytes.removeSubrange(...first) }
    return bytes
  }

  // MARK: What is added

  /// The whole lines that were written since this was asked last.
  package func added() -> [String] {
    var lines = grown()
    guard let current = Self.identity(of: path), current != identity else { return lines }
    // Whoever renames it has closed it before, so that it is complete now.
    lines += grown()
    if !unfinished.isEmpty { lines.append(Self.text(unfinished[...])) }
    for file in between() {
      lines += Self.lines(end(of: file, lines: .max - 1))
      close(file)
    }
    open()
    return lines + grown()
  }

  /// Files that were begun after the one that is being read, and were renamed before anybody looked.
  private func between() -> [Int32] {
    guard let identity, let own = (1...Self.oldest).first(where: { Self.identity(of: "\(path).\($0)") == identity })
    else { return [] }
    return (1..<own).reversed().map { Self.open("\(path).\($0)") }
  }

  private func grown() -> [String] {
    guard descriptor >= 0 else { return [] }
    // Emptied in its place by somebody.
    if lseek(descriptor, 0, SEEK_END) < offset { (offset, unfinished) = (0, []) }
    var lines = [String]()
    var taken = 0
    while taken < Self.maxBytes, case let part = Self.read(descriptor, at: offset, Self.chunk), !part.isEmpty {
      offset += off_t(part.count)
      taken += part.count
      unfinished += part
      if let end = unfinished.lastIndex(of: Self.newline) {
        lines += Self.lines(Array(unfinished[...end]))
        unfinished.removeSubrange(...end)
      }
      if unfinished.count >= Self.longestLine {
        lines.append(Self.text(unfinished[...]))
        unfinished = []
      }
    }
    return lines
  }

  // MARK: Files

  private static let newline = UInt8(ascii: "\n")

  private func open() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = Self.open(path)
    identity = Self.identity(of: descriptor)
    (offset, unfinished) = (0, [])
  }

  private static func open(_ path: String) -> Int32 {
    let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard file >= 0 else { return -1 }
    guard identity(of: file) != nil else {
      close(file)
      return -1
    }
    return file
  }

  private static func identity(of file: Int32) -> Identity? {
    var status = stat()
    guard file >= 0, fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Identity(device: status.st_dev, inode: status.st_ino)
  }

  private static func identity(of path: String) -> Identity? {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Identity(device: status.st_dev, inode: status.st_ino)
  }

  private static func read(_ file: Int32, at offset: off_t, _ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, taken in
      taken = max(0, pread(file, buffer.baseAddress, count, offset))
    }
  }

  private static func lines(_ bytes: [UInt8]) -> [String] {
    bytes.split(separator: newline).map(text)
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}
