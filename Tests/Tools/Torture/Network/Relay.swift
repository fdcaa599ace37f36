// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON

/// One connection through the proxy, with bounded buffers in both directions.
final class Relay {
  private static let maxBuffered = 262_144
  private static let longestGreeting = 65_536
  /// RFC 8446 section 5.1.
  private static let handshake: UInt8 = 22

  private struct Direction {
    var bytes: [UInt8] = []
    var sent = 0
    /// The sending side has shut down.
    var isFinished = false
    var isFinishForwarded = false

    var isEmpty: Bool { sent == bytes.count }
    var hasRoom: Bool { bytes.count - sent < maxBuffered }
  }

  let route: Route
  let client: CInt
  let server: CInt
  private(set) var hasEnded = false
  private var up = Direction()
  private var down = Direction()
  /// The first line of a peer to the index while incomplete: it contains a port to replace.
  private var greeting: [UInt8]?
  private let replacePort: (UInt16) -> UInt16?

  init(route: Route, client: CInt, server: CInt, replacePort: @escaping (UInt16) -> UInt16?) {
    self.route = route
    self.client = client
    self.server = server
    self.replacePort = replacePort
    greeting = route == .index ? [] : nil
  }

  deinit {
    close(client)
    close(server)
  }

  // MARK: Poll events

  var clientEvents: Int16 { events(reads: up, writes: down) }
  var serverEvents: Int16 { events(reads: down, writes: up) }

  private func events(reads: Direction, writes: Direction) -> Int16 {
    Int16((!reads.isFinished && reads.hasRoom ? POLLIN : 0) | (writes.isEmpty ? 0 : POLLOUT))
  }

  // MARK: Moving

  /// - Parameter corrupt: may change what the server sent.
  func move(_ clientReady: Int16, _ serverReady: Int16, corrupt: (inout [UInt8]) -> Void) {
    let readable = Int16(POLLIN | POLLHUP | POLLERR)
    if clientReady & readable != 0, !up.isFinished, up.hasRoom, let bytes = read(client) {
      if bytes.isEmpty {
        releaseGreeting()
        up.isFinished = true
      } else if greeting != nil {
        greet(bytes)
      } else {
        up.bytes += bytes
      }
    }
    if serverReady & readable != 0, !down.isFinished, down.hasRoom, var bytes = read(server) {
      down.isFinished = bytes.isEmpty
      corrupt(&bytes)
      down.bytes += bytes
    }
    write(server, &up)
    write(client, &down)
    if up.isFinishForwarded, down.isFinishForwarded { hasEnded = true }
  }

  /// Empty at the end of the stream, `nil` if nothing is available.
  private func read(_ descriptor: CInt) -> [UInt8]? {
    var failure: CInt = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
      let received = recv(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT))
      failure = received < 0 ? errno : 0
      count = max(0, received)
    }
    guard failure != 0 else { return bytes }
    if failure != EAGAIN, failure != EINTR { reset() }
    return nil
  }

  private func write(_ descriptor: CInt, _ direction: inout Direction) {
    while !direction.isEmpty {
      let count = direction.bytes[direction.sent...].withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      // ENOTCONN: still connecting to the server.
      if count < 0 { return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? () : reset() }
      direction.sent += count
    }
    direction.bytes.removeAll(keepingCapacity: true)
    direction.sent = 0
    if direction.isFinished, !direction.isFinishForwarded {
      shutdown(descriptor, CInt(SHUT_WR))
      direction.isFinishForwarded = true
    }
  }

  /// Resets both sides, as a crashed host or a restarted router would.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    for descriptor in [client, server] {
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
    hasEnded = true
  }

  // MARK: The port of a peer

  private func greet(_ bytes: [UInt8]) {
    greeting? += bytes
    // A TLS handshake: the peers then reach each other without the proxy.
    if greeting?.first == Self.handshake { return releaseGreeting() }
    guard let line = greeting, let end = line.firstIndex(of: 0x0A) else {
      if greeting?.count ?? 0 > Self.longestGreeting { releaseGreeting() }
      return
    }
    up.bytes += replaced(Array(line[..<end])) + line[(end + 1)...]
    greeting = nil
  }

  private func releaseGreeting() {
    up.bytes += greeting ?? []
    greeting = nil
  }

  /// The line with its newline and the port of the proxy.
  private func replaced(_ line: [UInt8]) -> [UInt8] {
    guard var members = (try? Jansson.decode(line))?.object, let number = members["port"]?.integer,
      let port = UInt16(exactly: number), let other = replacePort(port)
    else { return line + [0x0A] }
    members["port"] = .integer(Int64(other))
    return (try? Jansson.encodeLine(.object(members))) ?? line + [0x0A]
  }
}
