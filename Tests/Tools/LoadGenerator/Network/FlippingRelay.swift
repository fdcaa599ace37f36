// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization

/// Stands before a peer and makes it a liar: passes everything on, and flips bytes of what the peer sends once it has sent
/// some amount.
final class FlippingRelay: Sendable {
  /// Smaller reads may be lines; only bodies are changed.
  private static let smallestFlipped = 16 << 10

  private let port: UInt16
  /// What may still pass unchanged, in bytes.
  private let honest = Mutex(Int.max)

  /// Listens at an address of this machine and connects to the same port at 127.0.0.1, until this process ends.
  init(at host: String, port: UInt16) throws {
    self.port = port
    let listener = try IPv4Socket.listen(host, port: port)
    DispatchQueue.global().async { self.serve(listener) }
  }

  /// Starts to lie after so many bytes.
  func lie(after bytes: Int) { honest.withLock { $0 = bytes } }

  private func serve(_ listener: CInt) {
    while true {
      let client = accept(listener, nil, nil)
      guard client >= 0 else { continue }
      guard let server = try? IPv4Socket.connect("127.0.0.1", port: port) else {
        close(client)
        continue
      }
      let directions = DispatchGroup()
      for (source, target, flips) in [(client, server, false), (server, client, true)] {
        DispatchQueue.global().async(group: directions) {
          self.pass(from: source, to: target, flips: flips)
          for descriptor in [source, target] { shutdown(descriptor, CInt(SHUT_RDWR)) }
        }
      }
      directions.notify(queue: .global()) {
        close(client)
        close(server)
      }
    }
  }

  private func pass(from source: CInt, to target: CInt, flips: Bool) {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = recv(source, &bytes, bytes.count, 0)
      guard count > 0 else { return }
      if flips, count >= Self.smallestFlipped, !isHonest(count) { bytes[count / 2] ^= 0x20 }
      var sent = 0
      while sent < count {
        let passed = bytes[sent..<count].withUnsafeBytes {
          send(target, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
        guard passed > 0 else { return }
        sent += passed
      }
    }
  }

  private func isHonest(_ count: Int) -> Bool {
    honest.withLock { left in
      left -= min(left, count)
      return left > 0
    }
  }
}
