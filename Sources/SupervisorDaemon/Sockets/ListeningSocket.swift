// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
import POSIXSupport
package import SystemPackage

/// A listening socket held by the supervisor and inherited by a child, so that connections wait in it while the child is
/// restarted. It is non-blocking.
package struct ListeningSocket: Sendable {
  package let descriptor: FileDescriptor
  /// The path to remove on close; `nil` for TCP.
  package let path: String?
  /// Its actual address; `nil` for a Unix socket.
  package let endpoint: Endpoint?
  /// Of a Unix socket: its file, which others can remove or replace.
  private let file: FileIdentity?

  private init(descriptor: FileDescriptor, path: String? = nil, endpoint: Endpoint? = nil) {
    self.descriptor = descriptor
    self.path = path
    self.endpoint = endpoint
    file = path.flatMap { Self.file(at: $0) }
  }

  private static func file(at path: String) -> FileIdentity? {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
    return FileIdentity(status)
  }

  /// The kernel reduces it to net.core.somaxconn: listen(2).
  private static let backlog: Int32 = 4_096

  // MARK: TCP

  /// Listens at a numeric address, `localhost`, or with an empty host at all addresses, IPv6 and IPv4 if the system has both.
  /// Other names are not resolved.
  package static func tcp(_ endpoint: Endpoint) throws(Failure) -> ListeningSocket {
    if endpoint.host.isEmpty {
      do throws(Failure) {
        return try listen(SocketAddress.anyIPv6(port: endpoint.port), at: endpoint)
      } catch {
        guard WildcardAddress.isUnsupported(error.errno.rawValue) else { throw error }
        return try listen(SocketAddress.anyIPv4(port: endpoint.port), at: endpoint)
      }
    }
    guard let address = SocketAddress(endpoint) else {
      throw Failure(what: .notAnAddress(endpoint), errno: .invalidArgument)
    }
    return try listen(address, at: endpoint)
  }

  private static func listen(_ address: SocketAddress, at endpoint: Endpoint) throws(Failure) -> ListeningSocket {
    let what = Failure.What.tcp(endpoint)
    let descriptor = try open(address.family, what: what)
    do throws(Failure) {
      var yes: Int32 = 1
      var no: Int32 = 0
      let length = socklen_t(MemoryLayout<Int32>.size)
      setsockopt(descriptor.rawValue, SOL_SOCKET, SO_REUSEADDR, &yes, length)
      if address.family == AF_INET6 {
        setsockopt(descriptor.rawValue, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &no, length)
      }
      guard address.withPointer({ bind(descriptor.rawValue, $0, $1) }) == 0,
        Glibc.listen(descriptor.rawValue, backlog) == 0
      else { throw Failure(what: what, errno: Errno(rawValue: errno)) }
      guard let bound = SocketAddress.local(of: descriptor.rawValue)?.endpoint else {
        throw Failure(what: what, errno: .addressNotAvailable)
      }
      return ListeningSocket(descriptor: descriptor, endpoint: bound)
    } catch {
      try? descriptor.close()
      throw error
    }
  }

  // MARK: Unix

  /// Listens at a path with mode 0600 from the start. A socket left by a dead process is replaced: the caller holds the lock
  /// of the home, so it has no owner. Any other file is moved aside, to a name ending in `.aside`.
  package static func unix(_ path: String) throws(Failure) -> ListeningSocket {
    let what = Failure.What.unix(path)
    guard let address = try? UnixSocketAddress(path: path) else { throw Failure(what: what, errno: .fileNameTooLong) }
    try removeStale(path)
    let descriptor = try open(AF_UNIX, what: what)
    let mask = umask(0o177)
    defer { umask(mask) }
    do throws(SystemError) {
      try address.bind(descriptor.rawValue)
      guard Glibc.listen(descriptor.rawValue, backlog) == 0 else {
        let error = SystemError(errno)
        unlink(path)
        throw error
      }
    } catch {
      try? descriptor.close()
      throw Failure(what: what, errno: Errno(rawValue: error.code))
    }
    return ListeningSocket(descriptor: descriptor, path: path)
  }

  private static func removeStale(_ path: String) throws(Failure) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT != S_IFSOCK {
      guard rename(path, "\(path).aside") == 0 else { throw Failure(what: .unix(path), errno: .fileExists) }
      return
    }
    guard unlink(path) == 0 || errno == ENOENT else {
      throw Failure(what: .unix(path), errno: Errno(rawValue: errno))
    }
  }

  private static func open(_ family: Int32, what: Failure.What) throws(Failure) -> FileDescriptor {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(family, type, 0)
    guard descriptor >= 0 else { throw Failure(what: what, errno: Errno(rawValue: errno)) }
    return FileDescriptor(rawValue: descriptor)
  }

  /// Whether clients that connect to its path reach it. True for TCP.
  package var isInPlace: Bool {
    guard let path else { return true }
    return file != nil && Self.file(at: path) == file
  }

  /// Whether some process listens at a path: then the socket there must not be replaced.
  package static func isServed(_ path: String) -> Bool {
    guard let address = try? UnixSocketAddress(path: path) else { return false }
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { return false }
    defer { Glibc.close(descriptor) }
    do throws(SystemError) {
      try address.connect(descriptor)
      return true
    } catch {
      // A full queue has a listener.
      return error.code == EAGAIN
    }
  }

  /// Closes it and removes its path, unless that belongs to another socket by now.
  package func close() {
    let isInPlace = isInPlace
    try? descriptor.close()
    if let path, isInPlace { unlink(path) }
  }

  // MARK: Failures

  package struct Failure: Error, Equatable {
    package enum What: Equatable, Sendable {
      case tcp(Endpoint)
      case unix(String)
      case notAnAddress(Endpoint)
    }
    package let what: What
    package let errno: Errno

    package init(what: What, errno: Errno) {
      self.what = what
      self.errno = errno
    }
  }
}

extension ListeningSocket.Failure {
  package var isAddressInUse: Bool { errno == .addressInUse }
}
