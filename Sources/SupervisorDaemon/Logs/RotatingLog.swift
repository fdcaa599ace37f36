// SPDX-License-Identifier: Apache-2.0

import Glibc
package import SystemPackage

/// A log file that is replaced when it is full: `NAME.log`, then `NAME.log.1` (the latest) to `NAME.log.4`. A disk that
/// takes no more loses output, never the writer; what was lost is counted and said once the disk takes again.
package struct RotatingLog: ~Copyable {
  package static let standardSize: Int64 = 10 << 20
  package static let standardFiles = 5

  package let path: String
  /// In bytes. A file is at most one write longer.
  private let maximumSize: Int64
  /// All together, the current one among them.
  private let files: Int
  private var descriptor: FileDescriptor?
  private var size: Int64 = 0
  /// Bytes that no file took since one did.
  package private(set) var lost: Int64 = 0

  package init(path: String, maximumSize: Int64 = standardSize, files: Int = standardFiles) {
    self.path = path
    self.maximumSize = max(maximumSize, 1)
    self.files = max(files, 1)
  }

  deinit {
    try? descriptor?.close()
  }

  /// Opens the file; otherwise the first write does.
  package mutating func open() throws(Errno) {
    guard descriptor == nil else { return }
    let number = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard number >= 0 else { throw Errno(rawValue: errno) }
    var status = stat()
    guard fstat(number, &status) == 0 else {
      let error = Errno(rawValue: errno)
      Glibc.close(number)
      throw error
    }
    descriptor = FileDescriptor(rawValue: number)
    size = Int64(status.st_size)
  }

  /// The next write opens the file that then stands at the path.
  package mutating func close() {
    try? descriptor?.close()
    descriptor = nil
  }

  /// Appends all of it, or counts what was not taken.
  package mutating func write(_ bytes: some Collection<UInt8>) {
    let bytes = Array(bytes)
    guard !bytes.isEmpty else { return }
    // At a line's beginning, lest lines are cut by rotation; a line without end is cut at twice the size.
    if size >= maximumSize, endsLine || size >= 2 * maximumSize { rotate() }
    if lost > 0 {
      let note = Array("[\(lost) bytes of output were lost: the log could not be written]\n".utf8)
      guard append(note) == note.count else {
        lost += Int64(bytes.count)
        return
      }
      lost = 0
    }
    let taken = append(bytes)
    lost += Int64(bytes.count - taken)
  }

  private var endsLine = true

  private mutating func append(_ bytes: [UInt8]) -> Int {
    try? open()
    guard let descriptor else { return 0 }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.write(descriptor.rawValue, buffer.baseAddress.map { $0 + written }, buffer.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      written += count
    }
    size += Int64(written)
    if written > 0 { endsLine = bytes[written - 1] == UInt8(ascii: "\n") }
    return written
  }

  /// The oldest goes, the others move up, and the next write begins a new file.
  private mutating func rotate() {
    close()
    size = 0
    endsLine = true
    if files == 1 {
      unlink(path)
      return
    }
    for number in stride(from: files - 1, to: 1, by: -1) { rename("\(path).\(number - 1)", "\(path).\(number)") }
    rename(path, "\(path).1")
  }
}
