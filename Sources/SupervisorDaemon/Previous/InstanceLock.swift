// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// The one supervisor of a home: flock(2) on a file that is never removed. Unlike a POSIX lock it lasts until the last
/// descriptor of this very open file is closed, and children do not get that descriptor.
package struct InstanceLock: ~Copyable {
  private let descriptor: FileDescriptor

  /// - Throws: where another supervisor has it: `.failed`, naming its process.
  package init(path: String) throws(SupervisorError) {
    descriptor = try Self.lock(path)
  }

  private static func lock(_ path: String) throws(SupervisorError) -> FileDescriptor {
    let number = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard number >= 0 else { throw .system("cannot open \(path)", Errno(rawValue: errno)) }
    let descriptor = FileDescriptor(rawValue: number)
    guard flock(number, LOCK_EX | LOCK_NB) == 0 else {
      let error = Errno(rawValue: errno)
      try? descriptor.close()
      throw error == .wouldBlock ? isTaken(path) : .system("cannot lock \(path)", error)
    }
    // For people and for the message below; the lock itself is what counts.
    _ = ftruncate(number, 0)
    _ = try? descriptor.writeAll(toAbsoluteOffset: 0, "\(getpid())\n".utf8)
    return descriptor
  }

  private static func isTaken(_ path: String) -> SupervisorError {
    let digits = (SmallFile.read(path) ?? []).prefix { (0x30...0x39).contains($0) }
    let holder = digits.isEmpty ? "" : " (process \(String(decoding: digits, as: UTF8.self)))"
    return SupervisorError(
      .failed,
      "another supervisor\(holder) runs here already: p2pctl supervisor status shows it, p2pctl supervisor stop ends it"
    )
  }

  /// Lets the next supervisor in before this process has ended.
  package func release() {
    _ = flock(descriptor.rawValue, LOCK_UN)
  }

  deinit {
    try? descriptor.close()
  }
}
