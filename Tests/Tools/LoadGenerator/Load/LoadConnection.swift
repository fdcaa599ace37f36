// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc

/// One connection of a load: sends a batch, and the next one when all of it has been answered.
final class LoadConnection {
  let descriptor: CInt
  private let batch: [UInt8]
  private let linesOfBatch: Int
  private var linesMissing = 0

  init(to endpoint: Endpoint, request: LoadRequest, depth: Int) throws {
    descriptor = try Self.connect(endpoint)
    batch = Array(repeatElement(request.bytes, count: depth).joined())
    linesOfBatch = depth * request.linesOfAnswer
    if !request.greeting.isEmpty { try greet(request.greeting) }
  }

  deinit {
    close(descriptor)
  }

  func sendBatch() throws {
    try send(batch)
    linesMissing = linesOfBatch
  }

  /// Reads what is available.
  /// - Returns: whether the whole batch has been answered.
  func receive(into buffer: UnsafeMutableRawBufferPointer) throws -> Bool {
    let count = recv(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT))
    guard count > 0 else {
      guard count < 0, errno == EAGAIN else { throw BenchFailure.system("a server under load closed a connection") }
      return false
    }
    linesMissing -= Self.lineFeeds(in: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    guard linesMissing >= 0 else { throw BenchFailure("a server under load sent more than was requested") }
    return linesMissing == 0
  }

  private func greet(_ greeting: [UInt8]) throws {
    try send(greeting)
    var byte: UInt8 = 0
    while byte != UInt8(ascii: "\n") {
      guard recv(descriptor, &byte, 1, 0) == 1 else { throw BenchFailure.system("no answer to hello") }
    }
  }

  private func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent, CInt(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw BenchFailure.system("send") }
      sent += count
    }
  }

  private static func lineFeeds(in bytes: UnsafeRawBufferPointer) -> Int {
    var (count, position) = (0, 0)
    while position < bytes.count, let start = bytes.baseAddress?.advanced(by: position),
      let found = memchr(start, 0x0A, bytes.count - position)
    {
      count += 1
      position += UnsafeRawPointer(found) - start + 1
    }
    return count
  }

  static func connect(_ endpoint: Endpoint) throws -> CInt {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = endpoint.port.bigEndian
    guard inet_pton(AF_INET, endpoint.host, &address.sin_addr) == 1 else {
      throw BenchFailure("\(endpoint.host) is not an IPv4 address")
    }
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    let result = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      close(descriptor)
      throw BenchFailure.system("connect to \(endpoint)")
    }
    // Small batches must not wait for acknowledgements.
    var isOn: CInt = 1
    setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<CInt>.size))
    return descriptor
  }
}
