// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
package import LineJSON
import POSIXSupport

/// A blocking socket of a test. Sends raw bytes; reads lines and raw bytes within a timeout.
package final class RawConnection {
  package struct Failure: Error, CustomStringConvertible {
    package enum Kind: Sendable {
      /// Nothing accepts connections.
      case refused
      /// Nothing arrived in time.
      case timeout
      case other
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind = .other, description: String) {
      self.kind = kind
      self.description = description
    }
  }

  private let descriptor: CInt
  private var buffer: [UInt8] = []
  private let timeout: Duration

  private init(descriptor: CInt, timeout: Duration) {
    self.descriptor = descriptor
    self.timeout = timeout
  }

  deinit {
    close(descriptor)
  }

  /// Connects to an IPv4 address.
  package convenience init(to endpoint: Endpoint, timeout: Duration = .seconds(60)) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = endpoint.port.bigEndian
    guard inet_pton(AF_INET, endpoint.host, &address.sin_addr) == 1 else {
      throw Failure(description: "\(endpoint.host) is not an IPv4 address")
    }
    try self.init(domain: AF_INET, timeout: timeout) { descriptor in
      let result = withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard result == 0 else { throw SystemError(errno) }
    }
  }

  /// Connects to a Unix socket.
  package convenience init(path: String, timeout: Duration = .seconds(60)) throws {
    let address = try UnixSocketAddress(path: path)
    try self.init(domain: AF_UNIX, timeout: timeout) { try address.connect($0) }
  }

  private convenience init(domain: CInt, timeout: Duration, connect: (CInt) throws -> Void) throws {
    let descriptor = socket(domain, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(description: "socket: \(errno)") }
    self.init(descriptor: descriptor, timeout: timeout)
    do {
      try connect(descriptor)
    } catch {
      throw Failure(.refused, description: "connect: \(error)")
    }
  }

  // MARK: Sending

  package func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      guard count > 0 else { throw Failure(description: "send: \(String(cString: strerror(errno)))") }
      rest = rest.dropFirst(count)
    }
  }

  /// Sends as much as fits into the socket buffer and drops the rest.
  package func sendWithoutWaiting(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// Sends a line and its newline.
  package func send(_ line: String) throws {
    try send(Array(line.utf8) + [0x0A])
  }

  /// Half-closes the connection.
  package func finishSending() {
    shutdown(descriptor, CInt(SHUT_WR))
  }

  /// Closes with a reset, as after a crash of the host.
  package func reset() {
    // To no address: tcp_disconnect of Linux sends RST, while shutdown(2) would end one direction after the other.
    var nowhere = sockaddr()
    nowhere.sa_family = sa_family_t(AF_UNSPEC)
    connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
  }

  // MARK: Receiving

  /// The next line without its newline; `nil` at the end of the stream.
  package func line() throws -> String? {
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        let line = String(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeSubrange(...end)
        return line
      }
      guard try fill() else { return nil }
    }
  }

  /// The next line, decoded.
  package func reply() throws -> JSONValue {
    guard let line = try line() else { throw Failure(description: "the connection was closed") }
    return try Jansson.decode(Array(line.utf8))
  }

  /// Sends a line and decodes the next one.
  package func ask(_ line: String) throws -> JSONValue {
    try send(line)
    return try reply()
  }

  /// Exactly `count` raw bytes; fewer at the end of the stream.
  package func bytes(_ count: Int) throws -> [UInt8] {
    while buffer.count < count, try fill() {}
    let found = Array(buffer.prefix(count))
    buffer.removeFirst(found.count)
    return found
  }

  /// Whether the peer closes within the timeout. Discards what it sends.
  package func isClosedByPeer() -> Bool {
    while true {
      do {
        guard try fill() else { return true }
        buffer = []
      } catch {
        return (error as? Failure)?.kind != .timeout
      }
    }
  }

  private func fill() throws -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let milliseconds = CInt(
      timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000)
    guard poll(&waiting, 1, milliseconds) > 0 else {
      throw Failure(.timeout, description: "nothing arrived within \(timeout)")
    }
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    guard count >= 0 else { throw Failure(description: "recv: \(String(cString: strerror(errno)))") }
    buffer += chunk[..<count]
    return count > 0
  }
}
