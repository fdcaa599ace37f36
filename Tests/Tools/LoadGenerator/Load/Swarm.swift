// SPDX-License-Identifier: Apache-2.0

import Dispatch
import DocumentModel
import Glibc
import LineJSON
import Synchronization
import TestSupport

/// Many peers on one thread that announce documents to one index. They hold no content.
final class Swarm: Sendable {
  private static let bufferSize = 64 << 10
  private static let timeout = Duration.seconds(30)

  let count: Int
  let documents: Int
  private let server: Endpoint
  private let announcements = Atomic(0)
  private let isEnding = Atomic(false)
  private let thread = DispatchGroup()

  /// Returns when all peers have announced.
  init(_ count: Int, documents: Int, server: Endpoint) throws {
    self.count = count
    self.documents = documents
    self.server = server
    DispatchQueue.global().async(group: thread) { [self] in run() }
    _ = try waitForAnnouncements(count)
  }

  func end() {
    isEnding.store(true, ordering: .relaxed)
    thread.wait()
  }

  /// Runs `begin`, which cuts all connections, and measures the time until the documents of every peer can be found again.
  func outage(_ begin: () throws -> Void) throws -> Duration {
    let before = announcements.load(ordering: .relaxed)
    let start = ContinuousClock.now
    try begin()
    try waitForAnnouncements(before + count)
    try findAll()
    return ContinuousClock.now - start
  }

  private func waitForAnnouncements(_ number: Int) throws {
    let deadline = ContinuousClock.now + Self.timeout
    while announcements.load(ordering: .relaxed) < number {
      guard ContinuousClock.now < deadline else { throw BenchFailure("peers did not announce again") }
      usleep(500)
    }
  }

  private func findAll() throws {
    let connection = try RawConnection(to: server)
    try connection.send(LoadRequest.lookup("").greeting)
    _ = try connection.line()
    for number in 0..<count { try connection.send(LoadRequest.lookup(SwarmPeer.key(number, documents - 1)).bytes) }
    for number in 0..<count {
      guard try connection.reply()["status"]?.integer == 200 else {
        throw BenchFailure("the index acknowledged the documents of peer \(number) but does not find them")
      }
    }
  }

  private func run() {
    guard let peers = try? (0..<count).map({ try SwarmPeer(number: $0, documents: documents, server: server) }) else {
      return
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 64)
    defer { buffer.deallocate() }
    while !isEnding.load(ordering: .relaxed) {
      let now = ContinuousClock.now
      for peer in peers { peer.act(now) }
      var waiting = peers.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
      // poll(2) skips negative descriptors.
      guard poll(&waiting, nfds_t(waiting.count), 10) > 0 else { continue }
      for (peer, event) in zip(peers, waiting) where event.revents != 0 {
        if peer.take(buffer, now) { announcements.add(1, ordering: .relaxed) }
      }
    }
  }
}
