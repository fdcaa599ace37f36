// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Where a standby rehearses: a directory for it alone, in TMPDIR, else in memory where there is such a place, else in /tmp;
/// and a caller for the sockets in it. Everything in the directory is removed with this value.
///
/// What a program does for the first time takes many times as long as later: pages come in, types are looked up, threads
/// begin. A standby has time for that, whoever waits for a restart has not.
package struct Stage: ~Copyable {
  package let path: String
  /// The directory, locked for as long as its stage is there (flock(2)): one that is not was left by a process that died.
  private let lock: CInt
  /// For an answer.
  private static let timeout = timeval(tv_sec: 2, tv_usec: 0)
  private static let prefix = "p2p-standby."
  /// Of those that were left, in one go.
  private static let maxRemoved = 64

  /// `nil` where no directory can be made: then there is no rehearsal.
  package init?() {
    let parents = [getenv("TMPDIR").map { String(cString: $0) }, "/dev/shm", "/tmp"].compactMap(\.self)
    for parent in parents {
      Self.removeWhatWasLeft(in: parent)
      var template = Array("\(parent)/\(Self.prefix)XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { continue }
      path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      lock = Self.lock(path)
      return
    }
    return nil
  }

  deinit {
    Self.remove(path)
    close(lock)
  }

  /// A descriptor of the directory; −1 where it is not there, is a link, somebody else's, or locked.
  private static func lock(_ path: String) -> CInt {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { return -1 }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      return -1
    }
    return descriptor
  }

  private static func removeWhatWasLeft(in parent: String) {
    for name in names(in: parent).filter({ $0.hasPrefix(prefix) }).prefix(maxRemoved) {
      let descriptor = lock("\(parent)/\(name)")
      guard descriptor >= 0 else { continue }
      remove("\(parent)/\(name)")
      close(descriptor)
    }
  }

  /// Calls at a Unix socket in the directory, says all lines and waits for as many answers, at most 2 s for each.
  ///
  /// - Returns: the lines that came.
  @discardableResult
  package func call(_ name: String, _ lines: [String]) -> [String] {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var timeout = Self.timeout
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    guard Self.connect(descriptor, "\(path)/\(name)") else { return [] }
    let text = Array(lines.map { "\($0)\n" }.joined().utf8)
    guard send(descriptor, text, text.count, CInt(MSG_NOSIGNAL)) == text.count else { return [] }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while answer.count(where: { $0 == UInt8(ascii: "\n") }) < lines.count {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else { break }
      answer += chunk[..<count]
    }
    return answer.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
  }

  private static func connect(_ descriptor: CInt, _ path: String) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }

  /// Links are removed, not followed.
  private static func remove(_ path: String) {
    guard unlink(path) != 0 else { return }
    for name in names(in: path) { remove("\(path)/\(name)") }
    rmdir(path)
  }

  private static func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
