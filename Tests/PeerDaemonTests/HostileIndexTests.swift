// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineJSON
import LineTransport
import Logging
import NIOCore
import NIOPosix
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// Indexes that lie, stall and break the protocol: the daemon survives, answers in bounded time and reconnects.
@Suite struct HostileIndexTests {
  enum Habit: Sendable, CaseIterable {
    case silent
    case garbage
    case wrongID
    case endlessLine
    case closesAtOnce
    case refusesHello
    /// Refuses every connection.
    case refusesAll
    /// Answers `hello` only.
    case greetsOnly
    /// Answers `lookup` with holders that break the rules.
    case badHolders
  }

  /// Runs `body` with a link to an index with a habit. `connections` counts the connections to it.
  private func with(
    _ habit: Habit, _ body: (IndexLink, _ connections: @escaping @Sendable () -> Int) async throws -> Void
  ) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let counter = Counter()
    let server = try await LineServer.start(
      .address(host: "127.0.0.1", port: 0), group: group, limits: LineLimits(line: 65_536),
      gate: ConnectionGate(limit: 100, limitOfAddress: 100)
    ) { _ in LyingIndexRole(habit: habit, counter: counter) }
    var timeout = IndexLink.Timeout()
    // Short for indexes that never answer.
    let bound: TimeAmount = habit == .badHolders ? .seconds(60) : .milliseconds(300)
    timeout.connection = bound
    timeout.answer = bound
    timeout.acknowledgement = bound
    let link = IndexLink(
      address: Endpoint(host: "127.0.0.1", port: UInt16(server.address?.port ?? 0)),
      hello: IndexHello(peer: Swarm.id("bob"), name: try PeerName("bob"), port: 1), shares: { _ in nil },
      loop: group.next(), logger: Logger(label: "bob"), timeout: timeout)
    await link.start()
    do { try await body(link) { counter.value } } catch {
      await link.stop()
      try? await group.shutdownGracefully()
      throw error
    }
    await link.stop()
    await server.drain(within: .milliseconds(1))
    try? await group.shutdownGracefully()
  }

  @Test(arguments: Habit.allCases)
  func `request fails in bounded time`(_ habit: Habit) async throws {
    try await with(habit) { link, _ in
      let failure = await #expect(throws: WireFailure.self) {
        try await link.ask(.lookup(.init(.key(DocumentKey(rfc: 1)))), LookupReply.init)
      }
      #expect(failure?.code == .unavailable)
      #expect(failure?.message.contains("the index at 127.0.0.1:") == true)
    }
  }

  @Test(arguments: [Habit.garbage, .wrongID, .closesAtOnce])
  func `link reconnects`(_ habit: Habit) async throws {
    try await with(habit) { _, connections in
      #expect(await eventually { connections() >= 3 })
    }
  }

  @Test(arguments: [
    (Habit.garbage, "malformed reply from the index"), (.wrongID, "malformed reply"),
    (.endlessLine, "a reply of the index is longer than 2097152 bytes"),
    (.closesAtOnce, "the index closed the connection"), (.refusesHello, "full"),
    (.refusesAll, "backs off"),
  ])
  func `status names the reason for the lost connection`(_ habit: Habit, reason: String) async throws {
    try await with(habit) { link, _ in
      #expect(await eventually { await link.status.error?.contains(reason) == true })
    }
  }

  @Test func `unacknowledged announcement is reported`() async throws {
    try await with(.greetsOnly) { link, _ in
      #expect(await link.announce([Self.document], in: .open) == false)
      #expect(await link.withdraw([.init(key: Self.document.key, content: .empty)], in: .open) == false)
    }
  }

  @Test(.timeLimit(.minutes(1))) func `stop ends the wait for the first try`() async throws {
    try await with(.silent) { link, _ in
      async let ended: Void = link.firstTryEnded()
      await link.stop()
      await ended
    }
  }

  @Test func `first try ends if the index closes the connection`() async throws {
    try await with(.closesAtOnce) { link, _ in
      await link.firstTryEnded()
      #expect(await link.status.isConnected == false)
    }
  }

  private static let document = Document(
    key: DocumentKey(rfc: 1), title: .empty, content: .empty, modified: Timestamp(seconds: 0))
}

private final class Counter: Sendable {
  private let count = Mutex(0)

  var value: Int { count.withLock { $0 } }
  func increment() { count.withLock { $0 += 1 } }
}

private final class LyingIndexRole: LineRole {
  private let habit: HostileIndexTests.Habit
  private let counter: Counter

  init(habit: HostileIndexTests.Habit, counter: Counter) {
    self.habit = habit
    self.counter = counter
  }

  func opened(_ connection: any LineConnection) {
    counter.increment()
    if habit == .closesAtOnce { connection.abort() }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    let request = try? LineScratch.current.reader.read(line) {
      (try $0.requestID(), try IndexRequest($0, batchLimit: 1000))
    }
    guard let (id, request) = request else { return .close }
    switch habit {
    case .silent, .closesAtOnce: break
    case .garbage: output.bytes += Array("[]\n".utf8)
    case .endlessLine: output.bytes += [UInt8](repeating: 0x20, count: 4 << 20)
    case .wrongID:
      output.beginReply(id: id + 1)
      output.endReply()
    case .refusesHello: WireFailure(.tooMany, "full", retryAfter: 1).write(id: id, to: &output)
    case .refusesAll:
      WireFailure(.unavailable, "it backs off", retryAfter: 1).write(id: nil, to: &output)
      return .close
    case .greetsOnly, .badHolders: answer(request, id, &output)
    }
    return .next
  }

  private func answer(_ request: IndexRequest, _ id: Int64, _ output: inout JSONWriter) {
    switch (request, habit) {
    case (.hello, _):
      output.bytes += Array(#"{"id":\#(id),"status":200,"server":"x","host":"127.0.0.1","limits":{}}"#.utf8) + [0x0A]
    case (.ping, .badHolders):
      // On a slow machine the first heartbeat precedes the look-up.
      output.beginReply(id: id)
      output.endReply()
    case (.lookup, .badHolders):
      let holder = #"{"peer":"x","name":"../..","host":"","port":0,"complete":1}"#
      let content =
        #"{"content":"\#(String(repeating: "a", count: 64))","size":1,"title":"","modified":"1970-01-01T00:00:00Z","total":1,"holders":[\#(holder)]}"#
      output.bytes +=
        Array(#"{"id":\#(id),"status":200,"key":"file/x","contents":[\#(content)],"more":0}"#.utf8) + [0x0A]
    default: break
    }
  }
}
