// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport

/// What the `-o` of a `get` names. Pipes belong to this process, so it writes to them, and not the daemon.
enum OutputKind: Equatable {
  /// A file to make or replace, or a directory. Absolute.
  case file(String)
  case standardOutput
  /// A FIFO, for example of a process substitution. Absolute.
  case pipe(String)

  private static let standardOutputs = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]

  /// - Throws: `cannotCreate` for a device or a socket.
  init(_ typed: String, on console: Console) throws(CommandFailure) {
    guard !Self.standardOutputs.contains(typed) else {
      self = .standardOutput
      return
    }
    let path = try console.absolutePath(typed, orFail: .cannotCreate)
    var status = stat()
    guard stat(path, &status) == 0 else {
      self = .file(path)
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFIFO: self = .pipe(path)
    case S_IFCHR, S_IFBLK, S_IFSOCK:
      let kind = status.st_mode & S_IFMT == S_IFSOCK ? "a socket" : "a device"
      throw CommandFailure(
        .cannotCreate, "\(TextRules.escapedForTerminal(typed)) is \(kind), not a file",
        ["Choose another path, or -o - for standard output."])
    default: self = .file(path)
    }
  }
}

/// Takes the bytes of a document in order.
protocol DocumentSink: AnyObject {
  func write(document bytes: [UInt8]) throws
  /// Whether nobody reads it any more.
  var isClosed: Bool { get }
}

extension Console: DocumentSink {
  var isClosed: Bool {
    do {
      try pause(.zero)
      return false
    } catch {
      return error as? OutputError == .closed
    }
  }
}

/// A named pipe. Opening it waits for its reader.
final class PipeOutput: DocumentSink {
  private let descriptor: Int32
  private let output: DescriptorOutput

  init(_ path: String) throws(CommandFailure) {
    descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else {
      if errno == EINTR { throw .silent(.interrupted) }
      throw CommandFailure(.cannotCreate, "\(TextRules.escapedForTerminal(path)): \(SystemError(errno))")
    }
    output = DescriptorOutput(descriptor, isBuffered: false)
  }

  deinit {
    close(descriptor)
  }

  func write(document bytes: [UInt8]) throws(OutputError) {
    try output.write(bytes: bytes)
  }

  /// poll(2) always reports a pipe without readers.
  var isClosed: Bool { (try? Readiness.wait(for: descriptor, events: 0, until: .now)) ?? false }
}
