// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Reads the end of a process's log file, then what is added to it, across rotations: a full log is renamed to
/// `NAME.log.1`, the previous `NAME.log.1` to `NAME.log.2`, and so on.
package final class LogFile {
  /// The highest number of a rotated file.
  private static let oldest = 9
  private static let chunk = 65_536
  /// Maximum bytes read from the end of a file, and per call of what was added.
  private static let maxBytes = 32 << 20
  /// Longer lines are returned in parts.
  private static let maxLineLength = 65_536

  private struct Identity: Equatable {
    let device: dev_t
    let inode: ino_t
  }

  private let path: String
  private var descriptor: Int32 = -1
  private var identity: Identity?
  /// The offset of the next read.
  private var offset: off_t = 0
  /// The start of a line whose end is not written yet.
  private var partialLine: [UInt8] = []

  package init(path: String) {
    self.path = path
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  // MARK: The end

  /// The last `count` lines, from rotated files too if needed. `added` continues after them.
  /// - Parameter includesPartial: whether to include a last line whose end is not written yet.
  package func last(_ count: Int, includesPartial: Bool) -> [String] {
    open()
    var bytes = end(of: descriptor, lines: count + 1)
    if let end = bytes.lastIndex(of: Self.newline), !includesPartial {
      partialLine = Array(bytes[(end + 1)...])
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

  /// The end of a file, starting at a line boundary, with at least `wanted` lines if the file has as many.
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

  /// The complete lines written since the last call.
  package func added() -> [String] {
    var lines = grown()
    guard let current = Self.identity(of: path), current != identity else { return lines }
    // The writer closes a file before renaming it, so it is complete now.
    lines += grown()
    if !partialLine.isEmpty { lines.append(Self.text(partialLine[...])) }
    for file in between() {
      lines += Self.lines(end(of: file, lines: .max - 1))
      close(file)
    }
    open()
    return lines + grown()
  }

  /// Files that were started after the current one and already rotated away, oldest first.
  private func between() -> [Int32] {
    guard let identity, let own = (1...Self.oldest).first(where: { Self.identity(of: "\(path).\($0)") == identity })
    else { return [] }
    return (1..<own).reversed().map { Self.open("\(path).\($0)") }
  }

  private func grown() -> [String] {
    guard descriptor >= 0 else { return [] }
    // Truncated in place.
    if lseek(descriptor, 0, SEEK_END) < offset { (offset, partialLine) = (0, []) }
    var lines = [String]()
    var taken = 0
    while taken < Self.maxBytes, case let part = Self.read(descriptor, at: offset, Self.chunk), !part.isEmpty {
      offset += off_t(part.count)
      taken += part.count
      partialLine += part
      if let end = partialLine.lastIndex(of: Self.newline) {
        lines += Self.lines(Array(partialLine[...end]))
        partialLine.removeSubrange(...end)
      }
      if partialLine.count >= Self.maxLineLength {
        lines.append(Self.text(partialLine[...]))
        partialLine = []
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
    (offset, partialLine) = (0, [])
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
