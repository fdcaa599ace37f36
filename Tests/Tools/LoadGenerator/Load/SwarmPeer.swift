// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON

/// A peer as the index sees it: sends `hello`, announces its documents, and reconnects when the connection ends.
final class SwarmPeer {
  private(set) var descriptor: CInt = -1
  /// Time of the next connection attempt or ping.
  private(set) var due: ContinuousClock.Instant
  private(set) var isAnnounced = false
  private let hello: [UInt8]
  private let add: [UInt8]
  private let server: Endpoint
  private var failures = 0
  private var outgoing: ArraySlice<UInt8> = []
  private var isGreeted = false

  private static let ping = Array((#"{"id":3,"op":"ping"}"# + "\n").utf8)
  /// A third of the idle limit of the index.
  private static let pingInterval = Duration.seconds(3)

  init(number: Int, documents: Int, server: Endpoint) throws {
    self.server = server
    due = .now
    let id = (String(repeating: "0", count: 64) + String(number + 0x1000, radix: 16)).suffix(64)
    hello = try Jansson.encodeLine([
      "id": 1, "op": "hello", "protocol": 1, "peer": .string(String(id)), "name": .string("swarm\(number)"),
      "port": .integer(Int64(20_000 + number)),
    ])
    let rows = (0..<documents).map { document -> JSONValue in
      [
        "key": .string(Self.key(number, document)), "title": .string("Document \(document) of peer \(number)"),
        "content": .string(String(id)), "size": .integer(Int64(document + 1)), "modified": "1981-09-01T00:00:00Z",
      ]
    }
    add = try Jansson.encodeLine(["id": 2, "op": "add", "documents": .array(rows)])
  }

  static func key(_ number: Int, _ document: Int) -> String { "swarm/\(number)/\(document)" }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  var events: Int16 { Int16(outgoing.isEmpty ? POLLIN : POLLIN | POLLOUT) }

  /// Connects or pings if due.
  func act(_ now: ContinuousClock.Instant) {
    guard now >= due else { return }
    guard descriptor < 0 else {
      due = now + Self.pingInterval
      return isAnnounced ? send(Self.ping) : ()
    }
    guard let connected = try? LoadConnection.connect(server) else { return wait(now) }
    _ = fcntl(connected, F_SETFL, fcntl(connected, F_GETFL) | O_NONBLOCK)
    descriptor = connected
    due = now + Self.pingInterval
    send(hello)
  }

  /// - Returns: whether the index has just acknowledged its documents.
  func take(_ buffer: UnsafeMutableRawBufferPointer, _ now: ContinuousClock.Instant) -> Bool {
    flush()
    let count = recv(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT))
    guard count > 0 else {
      if count == 0 || errno != EAGAIN { lose(now) }
      return false
    }
    // An answer is short and nothing else is in flight, so it arrives whole.
    guard !isAnnounced, buffer[count - 1] == 0x0A else { return false }
    guard isGreeted else {
      isGreeted = true
      send(add)
      return false
    }
    isAnnounced = true
    failures = 0
    return true
  }

  private func lose(_ now: ContinuousClock.Instant) {
    close(descriptor)
    (descriptor, isGreeted, isAnnounced, outgoing) = (-1, false, false, [])
    wait(now)
  }

  private func wait(_ now: ContinuousClock.Instant) {
    due = now + .milliseconds(ReconnectDelay.milliseconds(afterFailures: failures, random: .random(in: 0..<1)))
    failures += 1
  }

  private func send(_ bytes: [UInt8]) {
    outgoing += bytes
    flush()
  }

  private func flush() {
    while !outgoing.isEmpty {
      let count = outgoing.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      guard count > 0 else { return }
      outgoing = outgoing.dropFirst(count)
    }
  }
}

/// The delay of a real peer before it reconnects: none, then 100 ms doubling to 3 s, with up to half of it as jitter.
private enum ReconnectDelay {
  /// - Parameter random: 0...1.
  static func milliseconds(afterFailures failures: Int, random: Double) -> Int {
    guard failures > 0 else { return 0 }
    let longest = min(3_000, 100 << min(failures - 1, 5))
    return longest - Int(Double(longest) * max(0, min(1, random)) / 2)
  }
}
