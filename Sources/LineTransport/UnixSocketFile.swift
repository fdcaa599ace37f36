// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore

/// A listening Unix socket and the file that stands for it.
struct UnixSocketFile: Sendable {
  /// What `sockaddr_un` has room for, without the NUL: unix(7).
  static let longestPath = 107

  /// Owned by whoever takes it into a channel.
  let descriptor: CInt
  private let path: String
  private let device: dev_t
  private let inode: ino_t

  /// Makes the socket: nobody but its owner can connect from the first instant on.
  /// - Throws: `ListenerError`; the errno of the system call as `IOError`.
  init(listeningAt path: String) throws {
    var address = try Self.address(path)
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(AF_UNIX, kind, 0)
    guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
    do {
      try Self.listen(descriptor, &address, path)
      var status = stat()
      guard lstat(path, &status) == 0 else { throw IOError(errnoCode: errno, reason: "lstat \(path)") }
      (device, inode) = (status.st_dev, status.st_ino)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.path = path
  }

  /// Removes the file, unless another has taken its place.
  func remove() {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
    unlink(path)
  }

  private static func listen(_ descriptor: CInt, _ address: inout sockaddr_un, _ path: String) throws {
    // Before bind: the file then has these rights when it appears. (Linux keeps the mode in the socket's inode.)
    fchmod(descriptor, 0o600)
    if bind(descriptor, &address) != 0 {
      guard errno == EADDRINUSE else { throw IOError(errnoCode: errno, reason: "bind \(path)") }
      try removeStale(path, &address)
      guard bind(descriptor, &address) == 0 else { throw IOError(errnoCode: errno, reason: "bind \(path)") }
    }
    guard Glibc.listen(descriptor, SOMAXCONN) == 0 else { throw IOError(errnoCode: errno, reason: "listen \(path)") }
  }

  /// Removes a socket file on which nobody listens any more.
  private static func removeStale(_ path: String, _ address: inout sockaddr_un) throws {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
      throw ListenerError(description: "\(path) exists and is no socket; remove it, or name another path")
    }
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
    let probe = socket(AF_UNIX, kind, 0)
    guard probe >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
    defer { Glibc.close(probe) }
    let result = withSocketAddress(&address) { connect(probe, $0, $1) }
    guard result != 0, errno == ECONNREFUSED else {
      throw ListenerError(description: "another program already listens at \(path)")
    }
    guard unlink(path) == 0 || errno == ENOENT else { throw IOError(errnoCode: errno, reason: "unlink \(path)") }
  }

  private static func address(_ path: String) throws(ListenerError) -> sockaddr_un {
    guard (1...longestPath).contains(path.utf8.count), !path.utf8.contains(0) else {
      throw ListenerError(
        description: "the path of a Unix socket has 1 to \(longestPath) bytes, \(path) has \(path.utf8.count)")
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return address
  }

  private static func bind(_ descriptor: CInt, _ address: inout sockaddr_un) -> CInt {
    withSocketAddress(&address) { Glibc.bind(descriptor, $0, $1) }
  }

  private static func withSocketAddress(
    _ address: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) -> CInt {
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
