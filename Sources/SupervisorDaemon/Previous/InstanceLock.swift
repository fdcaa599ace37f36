// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import SystemPackage

/// Allows one supervisor per home. Children do not inherit the lock.
package struct InstanceLock: ~Copyable {
  private let lock: FileLock

  /// - Throws: `.failed` with the pid of the holder if another supervisor has the lock.
  package init(path: String) throws(SupervisorError) {
    do throws(SystemError) {
      lock = try FileLock(path)
    } catch {
      throw error.code == EWOULDBLOCK
        ? Self.isTaken(path)
        : .system("cannot lock \(path)", Errno(rawValue: error.code), hint: "move away what is there")
    }
    // The pid is for people and for the message below; only the lock counts.
    let descriptor = FileDescriptor(rawValue: lock.descriptor)
    _ = ftruncate(lock.descriptor, 0)
    _ = try? descriptor.writeAll(toAbsoluteOffset: 0, "\(getpid())\n".utf8)
  }

  private static func isTaken(_ path: String) -> SupervisorError {
    let digits = ((try? SmallFile.prefix(of: path, max: 20)) ?? []).prefix { (0x30...0x39).contains($0) }
    let holder = digits.isEmpty ? "" : " (process \(String(decoding: digits, as: UTF8.self)))"
    return SupervisorError(
      .failed,
      "another supervisor\(holder) already runs here: see p2pctl supervisor status, or stop it with p2pctl supervisor stop"
    )
  }

  /// Unlocks before this process ends.
  package func release() {
    lock.release()
  }
}
