// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import POSIXSupport

/// A listening Unix socket and the file that stands for it.
struct UnixSocketFile: Sendable {
  /// Owned by whoever takes it into a channel.
  let descriptor: CInt
  private let path: String
  private let device: dev_t
  private let inode: ino_t

  /// Makes the socket: nobody but its owner can connect from the first instant on.
  /// - Throws: `ListenerError`; the errno of the system call as `IOError`.
  init(listeningAt path: String) throws {
    let address = try Self.address(path)
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(AF_UNIX, kind, 0)
    guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
    do {
      try Self.listen(descriptor, address, path)
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

  private static func listen(_ descriptor: CInt, _ address: UnixSocketAddress, _ path: String) throws {
    // Before bind: the file then has these rights when it appears. (Linux keeps the mode in the socket's inode.)
    fchmod(descriptor, 0o600)
    if !(try bind(descriptor, address, path)) {
      try removeStale(path, address)
      guard try bind(descriptor, address, path) else { throw IOError(errnoCode: EADDRINUSE, reason: "bind \(path)") }
    }
    guard Glibc.listen(descriptor, SOMAXCONN) == 0 else { throw IOError(errnoCode: errno, reason: "listen \(path)") }
  }

  /// Removes a socket file on which nobody listens any more.
  private static func removeStale(_ path: String, _ address: UnixSocketAddress) throws {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
      throw ListenerError(description: "\(path) exists and is not a socket; remove it, or name another path")
    }
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
    let probe = socket(AF_UNIX, kind, 0)
    guard probe >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
    defer { Glibc.close(probe) }
    guard isRefused(connecting: probe, to: address) else {
      throw ListenerError(description: "another program already listens at \(path)")
    }
    guard unlink(path) == 0 || errno == ENOENT else { throw IOError(errnoCode: errno, reason: "unlink \(path)") }
  }

  private static func isRefused(connecting probe: CInt, to address: UnixSocketAddress) -> Bool {
    do throws(SystemError) {
      try address.connect(probe)
      return false
    } catch {
      return error.code == ECONNREFUSED
    }
  }

  /// False if there is a file at the path.
  private static func bind(_ descriptor: CInt, _ address: UnixSocketAddress, _ path: String) throws(IOError) -> Bool {
    do throws(SystemError) {
      try address.bind(descriptor)
      return true
    } catch {
      guard error.code == EADDRINUSE else { throw IOError(errnoCode: error.code, reason: "bind \(path)") }
      return false
    }
  }

  private static func address(_ path: String) throws(ListenerError) -> UnixSocketAddress {
    do throws(UnixSocketPathError) {
      return try UnixSocketAddress(path: path)
    } catch {
      throw ListenerError(description: error.description)
    }
  }
}
