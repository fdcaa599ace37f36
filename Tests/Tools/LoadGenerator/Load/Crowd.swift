// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc

/// Many peers of one thread at an index, each with a few documents that they share. They hold no content and do not ping.
final class Crowd {
  private static let perAddress = 5_000
  private static let timeoutSeconds = 30

  private var descriptors: [CInt] = []

  /// Connects all, says `hello` and adds; returns when the index has answered everything.
  /// - Parameters:
  ///   - address: of loopback, for the first of them; ports of one address do not suffice for many crowds.
  ///   - lines: what each of them sends.
  init(_ count: Int, to index: Endpoint, from address: Int, lines: (Int) -> [UInt8]) throws {
    for number in 0..<count {
      let descriptor = try Self.connect(to: index, from: address + number / Self.perAddress)
      descriptors.append(descriptor)
      let bytes = lines(number)
      guard send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count else {
        throw BenchFailure.system("send")
      }
    }
    for descriptor in descriptors { try Self.awaitAnswers(2, at: descriptor) }
  }

  deinit { leave() }

  /// All at once.
  func leave() {
    for descriptor in descriptors { close(descriptor) }
    descriptors = []
  }

  private static func connect(to index: Endpoint, from address: Int) throws -> CInt {
    let source = "127.1.\(address / 250).\(address % 250 + 1)"
    let descriptor = try IPv4Socket.connect(index.host, port: index.port, from: source)
    var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    return descriptor
  }

  private static func awaitAnswers(_ count: Int, at descriptor: CInt) throws {
    var buffer = [UInt8](repeating: 0, count: 8192)
    var left = count
    while left > 0 {
      let received = recv(descriptor, &buffer, buffer.count, 0)
      guard received > 0 else { throw BenchFailure.system("no answer from the index") }
      left -= buffer[..<received].count { $0 == UInt8(ascii: "\n") }
    }
  }
}
