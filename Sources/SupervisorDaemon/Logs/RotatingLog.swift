// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import POSIXSupport
package import SystemPackage

/// A log file with rotation by size: `NAME.log`, then `NAME.log.1` (the latest) to `NAME.log.4`. Output that cannot be written
/// is dropped and counted; the count is logged once writing works again.
package struct RotatingLog: ~Copyable {
  package static let standardSize: Int64 = 10 << 20
  package static let standardFiles = 5

  package let path: String
  /// A user besides the owner who may read it.
  private let reader: UInt32?
  /// In bytes. A file may exceed it by one write.
  private let maximumSize: Int64
  /// The number of files, including the current one.
  private let files: Int
  private var descriptor: FileDescriptor?
  private var size: Int64 = 0
  /// Bytes dropped since the last successful write.
  package private(set) var lost: Int64 = 0

  package init(
    path: String, reader: UInt32? = nil, maximumSize: Int64 = standardSize, files: Int = standardFiles
  ) {
    self.path = path
    self.reader = reader
    self.maximumSize = max(maximumSize, 1)
    self.files = max(files, 1)
  }

  deinit {
    try? descriptor?.close()
  }

  /// Opens the file. Optional: the first write opens it too.
  package mutating func open() throws(Errno) {
    guard descriptor == nil else { return }
    let number: CInt
    do throws(SystemError) {
      number = try AppendedFile.open(path)
    } catch {
      throw Errno(rawValue: error.code)
    }
    var status = stat()
    guard fstat(number, &status) == 0 else {
      let error = Errno(rawValue: errno)
      Glibc.close(number)
      throw error
    }
    // On a file system without access control lists the log stays its owner's.
    if let reader { _ = file_let_read(number, reader) }
    descriptor = FileDescriptor(rawValue: number)
    size = Int64(status.st_size)
  }

  /// Closes the file. The next write opens the path again.
  package mutating func close() {
    try? descriptor?.close()
    descriptor = nil
  }

  /// Appends the bytes, or counts those that could not be written.
  package mutating func write(_ bytes: some Collection<UInt8>) {
    let bytes = Array(bytes)
    guard !bytes.isEmpty else { return }
    // Rotate between lines; a line without an end is cut at twice the size.
    if size >= maximumSize, endsLine || size >= 2 * maximumSize { rotate() }
    if lost > 0 {
      let note = Array("[\(lost) bytes of output lost: the log could not be written]\n".utf8)
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

  /// Renames the files, overwriting the oldest; the next write creates a new one.
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
