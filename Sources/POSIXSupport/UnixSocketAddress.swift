// SPDX-License-Identifier: Apache-2.0

package import Glibc

/// The address of a Unix socket: unix(7).
package struct UnixSocketAddress: Sendable {
  /// Bytes of the longest path: `sun_path` without its terminating zero.
  package static let maxPathLength = 107

  private let address: sockaddr_un
  private let length: socklen_t

  /// - Throws: an empty path, one of more than 107 bytes, one with a NUL.
  package init(path: String) throws(UnixSocketPathError) {
    guard (1...Self.maxPathLength).contains(path.utf8.count), !path.utf8.contains(0) else {
      throw UnixSocketPathError(path: path)
    }
    address = Self.address(of: path, at: 0)
    length = socklen_t(MemoryLayout<sockaddr_un>.size)
  }

  /// A name in the abstract namespace, which has no file. `nil` for an empty name or one of more than 107 bytes.
  package init?(abstractName name: String) {
    guard (1...Self.maxPathLength).contains(name.utf8.count) else { return nil }
    // The first byte of the path is zero, and the length says where the name ends.
    address = Self.address(of: name, at: 1)
    length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
  }

  private static func address(of name: String, at offset: Int) -> sockaddr_un {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { target in
      UnsafeMutableRawBufferPointer(rebasing: target.dropFirst(offset)).copyBytes(from: name.utf8)
    }
    return address
  }

  /// connect(2). Blocks if the socket does and the listener's queue is full.
  package func connect(_ descriptor: CInt) throws(SystemError) {
    guard withPointer({ Glibc.connect(descriptor, $0, $1) }) == 0 else { throw SystemError(errno) }
  }

  /// bind(2): creates the file of the socket.
  package func bind(_ descriptor: CInt) throws(SystemError) {
    guard withPointer({ Glibc.bind(descriptor, $0, $1) }) == 0 else { throw SystemError(errno) }
  }

  /// For calls that take an address: sendto(2).
  package func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }
}

/// A path that no Unix socket can have.
package struct UnixSocketPathError: Error, Equatable, Sendable, CustomStringConvertible {
  package let path: String

  package var description: String {
    if path.utf8.contains(0) { return "the path of a Unix socket contains a NUL" }
    return
      "the path of a Unix socket has 1 to \(UnixSocketAddress.maxPathLength) bytes, \(path) has \(path.utf8.count)"
  }
}
