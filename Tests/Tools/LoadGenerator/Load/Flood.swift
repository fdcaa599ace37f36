// SPDX-License-Identifier: Apache-2.0

import Dispatch
import DocumentModel
import Glibc
import Synchronization
import TestSupport

/// Connections to the index that misbehave together, on a thread of low priority. One that the index closes is made again.
final class Flood: Sendable {
  struct Habit: Sendable {
    var connections = 4
    /// Loopback addresses from which they come.
    var hosts = 1
    var greets = true
    var lines: [UInt8] = []
    /// Whether the lines are sent again and again.
    var repeats = true
    /// Whether answers are read.
    var reads = true
  }

  private let isStopped = Atomic<Bool>(false)
  private let hasEnded = Atomic<Bool>(false)

  init(_ index: Endpoint, _ habit: Habit) throws {
    let connections = try (0..<habit.connections).map { try FloodConnection(index, habit, number: $0) }
    Worker.start { [self] in
      _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
      Self.run(connections, habit.lines) { isStopped.load(ordering: .relaxed) }
      hasEnded.store(true, ordering: .releasing)
    }
  }

  func stop() {
    isStopped.store(true, ordering: .relaxed)
    while !hasEnded.load(ordering: .acquiring) { usleep(1_000) }
  }

  private static func run(_ connections: [FloodConnection], _ lines: [UInt8], until isOver: () -> Bool) {
    var connections = connections
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    var polled = connections.map(\.polled)
    while !isOver() {
      guard poll(&polled, nfds_t(polled.count), 50) > 0 else { continue }
      for number in polled.indices where polled[number].revents != 0 {
        connections[number].proceed(polled[number].revents, lines, &buffer)
        polled[number] = connections[number].polled
      }
    }
    for connection in connections { close(connection.descriptor) }
  }
}

/// One of them; not blocking.
private struct FloodConnection: Sendable {
  /// The other side has closed: poll(2), POLLRDHUP.
  private static let ended: Int16 = 0x2000

  private let index: Endpoint
  private let habit: Flood.Habit
  private let host: String
  private let hello: [UInt8]
  private(set) var descriptor: CInt
  private var sent = 0

  init(_ index: Endpoint, _ habit: Flood.Habit, number: Int) throws {
    self.index = index
    self.habit = habit
    host = "127.0.0.\(1 + number % habit.hosts)"
    hello = habit.greets ? Array((HostileLines.hello(100 + number, port: 100 + number) + "\n").utf8) : []
    descriptor = try IPv4Socket.connect(index.host, port: index.port, from: host)
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  }

  private var hasSent: Bool { sent == hello.count + habit.lines.count }

  var polled: pollfd {
    let events = (hasSent ? 0 : Int16(POLLOUT)) | (habit.reads ? Int16(POLLIN) : Self.ended)
    return pollfd(fd: descriptor, events: events, revents: 0)
  }

  mutating func proceed(_ events: Int16, _ lines: [UInt8], _ buffer: inout [UInt8]) {
    if events & (Self.ended | Int16(POLLERR | POLLHUP)) != 0 { return connectAgain() }
    if events & Int16(POLLIN) != 0 {
      var count = 0
      repeat { count = recv(descriptor, &buffer, buffer.count, 0) } while count == buffer.count
      if count == 0 { return connectAgain() }
    }
    if events & Int16(POLLOUT) != 0 {
      if sent < hello.count { sent += send(hello, from: sent) }
      if sent >= hello.count { sent += send(lines, from: sent - hello.count) }
      if habit.repeats, hasSent { sent = hello.count }
    }
  }

  private func send(_ bytes: [UInt8], from start: Int) -> Int {
    max(
      0,
      bytes.withUnsafeBytes { bytes in
        Glibc.send(descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start, CInt(MSG_NOSIGNAL))
      })
  }

  private mutating func connectAgain() {
    close(descriptor)
    sent = 0
    descriptor = (try? IPv4Socket.connect(index.host, port: index.port, from: host, isBlocking: false)) ?? -1
  }
}

/// Keeps sessions with records alive.
final class KeptAlive: Sendable {
  private let isStopped = Atomic<Bool>(false)

  init(_ connections: [RawConnection]) {
    nonisolated(unsafe) let connections = connections
    DispatchQueue(label: "pulse").async { [self] in
      while !isStopped.load(ordering: .relaxed) {
        for connection in connections { _ = try? connection.ask(#"{"id":9,"op":"ping"}"#) }
        usleep(500_000)
      }
    }
  }

  func stop() {
    isStopped.store(true, ordering: .relaxed)
  }
}
