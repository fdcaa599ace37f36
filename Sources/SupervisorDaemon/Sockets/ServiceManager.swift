// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport

/// The socket of the service manager that started this process: sd_notify(3). A message is one datagram.
struct ServiceManager {
  private let address: UnixSocketAddress

  /// - Parameter socket: the value of `NOTIFY_SOCKET`: a path, or `@` and an abstract name. `nil` for what is neither.
  init?(socket: String) {
    let address =
      switch socket.first {
      case "/": try? UnixSocketAddress(path: socket)
      case "@": UnixSocketAddress(abstractName: String(socket.dropFirst()))
      default: UnixSocketAddress?.none
      }
    guard let address else { return nil }
    self.address = address
  }

  /// Never waits. What the manager does not take is lost: it is told how things stand at the next change.
  func send(_ message: String) {
    let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let bytes = Array(message.utf8)
    _ = address.withPointer { sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, $1) }
  }
}
