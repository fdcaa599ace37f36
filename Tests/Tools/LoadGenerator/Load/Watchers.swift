// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import Synchronization
import TestSupport

/// Connections that watch, read by one thread: it says when each event of each watch has arrived.
final class Watchers: Sendable {
  private struct State {
    /// Watches whose state was told.
    var current = 0
    var failure: String?
  }

  private let state = Mutex(State())
  private let isStopped = Atomic<Bool>(false)
  private let hasEnded = Atomic<Bool>(false)

  /// - Parameters:
  ///   - watches: the filters of each connection, as members of a request.
  ///   - arrived: called on the reading thread with the number of a watch among all, for each change.
  init(
    _ index: Endpoint, _ watches: [[String]], arrived: @escaping @Sendable (Int, ContinuousClock.Instant) -> Void
  ) throws {
    var first = 0
    let connections = try watches.enumerated().map { number, filters in
      defer { first += filters.count }
      return try WatchingConnection(index, number, filters, first: first)
    }
    Worker.start { [self] in
      var connections = connections
      read(&connections, arrived)
      for connection in connections { close(connection.descriptor) }
      hasEnded.store(true, ordering: .releasing)
    }
    let count = first
    let isComplete = try eventuallyOnThread {
      try state.withLock { state in
        if let failure = state.failure { throw BenchFailure(failure) }
        return state.current == count
      }
    }
    guard isComplete else { throw BenchFailure("the index does not tell the state of all watches") }
  }

  func stop() throws {
    isStopped.store(true, ordering: .relaxed)
    while !hasEnded.load(ordering: .acquiring) { usleep(1_000) }
    if let failure = state.withLock({ $0.failure }) { throw BenchFailure(failure) }
  }

  private func read(
    _ connections: inout [WatchingConnection], _ arrived: (Int, ContinuousClock.Instant) -> Void
  ) {
    var polled = connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while !isStopped.load(ordering: .relaxed) {
      guard poll(&polled, nfds_t(polled.count), 50) > 0 else { continue }
      let now = ContinuousClock.now
      for number in polled.indices where polled[number].revents != 0 {
        let count = recv(polled[number].fd, &buffer, buffer.count, 0)
        guard count > 0 else {
          state.withLock { $0.failure = "the index closed the connection of a watcher" }
          return
        }
        connections[number].take(buffer[..<count]) { event in
          switch event {
          case .current: state.withLock { $0.current += 1 }
          case .change(let watch): arrived(watch, now)
          case .other(let line): state.withLock { $0.failure = "a watcher got \(line)" }
          }
        }
      }
    }
  }
}

private struct WatchingConnection: Sendable {
  enum Event {
    case current
    /// Of this watch among all.
    case change(Int)
    case other(String)
  }

  let descriptor: CInt
  /// The number of its first watch among all.
  private let first: Int
  private var rest: [UInt8] = []

  init(_ index: Endpoint, _ number: Int, _ filters: [String], first: Int) throws {
    descriptor = try LoadConnection.connect(index)
    self.first = first
    var lines = HostileLines.hello(1_000_000 + number, port: nil) + "\n"
    for (id, filter) in filters.enumerated() { lines += #"{"id":\#(id + 2),"op":"watch",\#(filter)}"# + "\n" }
    let bytes = Array(lines.utf8)
    guard send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count else {
      throw BenchFailure.system("send")
    }
  }

  mutating func take(_ bytes: ArraySlice<UInt8>, _ body: (Event) -> Void) {
    rest += bytes
    var start = 0
    while let end = Self.find(UInt8(ascii: "\n"), in: rest, from: start) {
      if let event = event(rest[start..<end]) { body(event) }
      start = end + 1
    }
    rest.removeSubrange(..<start)
  }

  /// `nil` for a reply.
  private func event(_ line: ArraySlice<UInt8>) -> Event? {
    // As the index writes them: "event" comes first, then "watch".
    if line.starts(with: #"{"event":"current""#.utf8) { return .current }
    if line.starts(with: #"{"id":"#.utf8), line.count < 1000 {
      return Self.contains(#""status":200"#, line) ? nil : .other(String(decoding: line, as: UTF8.self))
    }
    for kind in [#"{"event":"document","watch":"#, #"{"event":"holder","watch":"#] where line.starts(with: kind.utf8) {
      let digits = line.dropFirst(kind.utf8.count).prefix { $0 >= 0x30 && $0 <= 0x39 }
      return .change(first + digits.reduce(0) { $0 * 10 + Int($1 - 0x30) } - 1)
    }
    return .other(String(decoding: line, as: UTF8.self))
  }

  private static func contains(_ text: String, _ line: ArraySlice<UInt8>) -> Bool {
    String(decoding: line, as: UTF8.self).contains(text)
  }

  private static func find(_ byte: UInt8, in bytes: [UInt8], from start: Int) -> Int? {
    bytes.withUnsafeBytes { bytes in
      guard start < bytes.count, let base = bytes.baseAddress,
        let found = memchr(base + start, CInt(byte), bytes.count - start)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }
}
