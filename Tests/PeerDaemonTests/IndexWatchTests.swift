// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Logging
import NIOCore
import NIOPosix
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Subscriptions of a link at an index that pushes, also what it must not.
@Suite struct IndexWatchTests {
  private typealias News = WatchMachine.News

  private func document(_ number: UInt32) -> Document {
    Document(key: DocumentKey(rfc: number), title: .empty, content: .empty, modified: Timestamp(seconds: 0))
  }

  private func event(_ seq: Int, _ number: UInt32? = nil, watch: Int = 1) -> WatchEvent {
    WatchEvent(watch: watch, seq: seq, number.map { .document(.appeared, document($0), total: 1) } ?? .current)
  }

  private func with(
    _ script: @escaping PushingIndex.Script = { _, _ in nil },
    _ body: (IndexLink, PushingIndex) async throws -> Void
  ) async throws {
    try await PushingIndex.with(script) { index, endpoint in
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      var logger = Logger(label: "link")
      logger.logLevel = .critical
      let link = IndexLink(
        address: endpoint, hello: IndexHello(peer: Swarm.id("alice"), name: try PeerName("alice"), port: 1),
        shares: { _ in .init(documents: [], next: nil) }, loop: group.next(), logger: logger)
      await link.start()
      do { try await body(link, index) } catch {
        await link.stop()
        try? await group.shutdownGracefully()
        throw error
      }
      await link.stop()
      try? await group.shutdownGracefully()
    }
  }

  /// Takes news until there are `count` of them.
  private func news(_ count: Int, _ subscription: IndexLink.Subscription, _ link: IndexLink) async -> [News] {
    var all = [News]()
    while all.count < count, let more = await link.news(of: subscription) { all += more }
    return all
  }

  @Test(.timeLimit(.minutes(1))) func `events are news, between replies`() async throws {
    try await with { link, index in
      let subscription = try #require(await link.subscribe(.documents(.all), for: .frontEnd))
      #expect(await eventually { index.watches == [.documents(.all)] })
      index.push([event(1, 1), event(2)])
      #expect(
        await news(2, subscription, link) == [.document(.appeared, document(1), total: 1), .current])
      #expect(await link.announce([document(9)], in: .open))
      index.push([event(3, 2)])
      #expect(await news(1, subscription, link) == [.document(.appeared, document(2), total: 1)])
      await link.unsubscribe(subscription)
      #expect(await eventually { index.requests.contains(.unwatch(1)) })
      #expect(await link.news(of: subscription) == nil)
    }
  }

  @Test(.timeLimit(.minutes(1))) func `subscription outlives connections`() async throws {
    try await with { link, index in
      let subscription = try #require(await link.subscribe(.documents(.all), for: .frontEnd))
      for round in 1...3 {
        #expect(await eventually { index.watches.count == round })
        index.push([event(1)])
        #expect(await news(1, subscription, link) == [.current])
        index.disconnect()
        #expect(await news(1, subscription, link) == [.interrupted(.connectionLost)])
      }
      #expect(await eventually { index.watches.count == 4 })
    }
  }

  @Test(.timeLimit(.minutes(1))) func `overflow is watched anew after a pause`() async throws {
    try await with { link, index in
      let subscription = try #require(await link.subscribe(.documents(.all), for: .frontEnd))
      #expect(await eventually { index.watches.count == 1 })
      index.push([WatchEvent(watch: 1, seq: 1, .overflow)])
      #expect(await news(1, subscription, link) == [.interrupted(.overflow)])
      #expect(await eventually { index.watches.count == 2 })
      index.push([event(1)])
      #expect(await news(1, subscription, link) == [.current])
      #expect(index.connections == 1)
    }
  }

  @Test(.timeLimit(.minutes(1))) func `older index refuses and the link goes on`() async throws {
    let script: PushingIndex.Script = { request, id in
      guard case .watch = request else { return nil }
      return [#"{"id":\#(id),"status":501,"error":"unknown-operation","message":"an index has no such operation"}"#]
    }
    try await with(script) { link, index in
      let subscription = try #require(await link.subscribe(.documents(.all), for: .frontEnd))
      guard case .refused(let failure)? = await news(1, subscription, link).first else {
        throw RawConnection.Failure(description: "not refused")
      }
      #expect(failure.code == .unknownOperation)
      #expect(await link.announce([document(1)], in: .open))
      #expect(index.connections == 1)
    }
  }

  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      #"{"event":"current","watch":2,"seq":1}"#, #"{"event":"current","watch":1,"seq":2}"#,
      #"{"event":"later","watch":1,"seq":1}"#, #"{"event":"current","watch":"1","seq":1}"#,
      #"{"event":"document","watch":1,"seq":1,"change":"appeared"}"#, #"{"event":"current","watch":1}"#,
      #"{"event":null,"watch":1,"seq":1}"#, #"{"event":"current","watch":1,"seq":1,"seq":1}"#,
    ])
  func `event that breaks the protocol ends the connection`(line: String) async throws {
    try await with { link, index in
      let subscription = try #require(await link.subscribe(.documents(.all), for: .frontEnd))
      #expect(await eventually { index.watches.count == 1 })
      index.push(line)
      #expect(await news(1, subscription, link) == [.interrupted(.connectionLost)])
      #expect(await eventually { index.connections == 2 })
    }
  }

  @Test(.timeLimit(.minutes(1))) func `event without any watch ends the connection`() async throws {
    try await with { link, index in
      #expect(await link.isConnectedInTime())
      index.push([event(1)])
      #expect(await eventually { index.connections == 2 })
      #expect(await link.isConnectedInTime())
    }
  }

  /// Megabytes of events for an owner that does not read: the watch ends, the connection stays, requests are answered.
  @Test(.timeLimit(.minutes(1))) func `flood of events is dropped`() async throws {
    try await with { link, index in
      let subscription = try #require(await link.subscribe(.documents(.all), for: .frontEnd))
      #expect(await eventually { index.watches.count == 1 })
      for start in stride(from: 1, to: 30_001, by: 10_000) {
        index.push((start..<start + 10_000).map { event($0, UInt32($0)) })
      }
      #expect(await eventually { index.requests.contains(.unwatch(1)) })
      #expect(await link.announce([document(1)], in: .open))
      let taken = try #require(await link.news(of: subscription))
      #expect(taken.count < 20_000 && taken.last == .interrupted(.overflow))
    }
  }

  @Test(.timeLimit(.minutes(1))) func `stop ends the wait for news`() async throws {
    try await with { link, _ in
      let subscription = try #require(await link.subscribe(.documents(.all), for: .frontEnd))
      async let ended = link.news(of: subscription)
      #expect(await link.isConnectedInTime())
      await link.endSubscriptions()
      #expect(await ended == nil)
      #expect(await link.subscribe(.documents(.all), for: .frontEnd) == nil)
    }
  }

  @Test(.timeLimit(.minutes(1))) func `holders of one content are watched once for all`() async throws {
    try await with { link, index in
      let watches = HolderWatches(link: link)
      let content = Content.empty
      let (news, continuation) = AsyncStream.makeStream(of: HolderWatches.News.self)
      let first = await watches.begin(content, in: .open) { continuation.yield($0) }
      #expect(await eventually { index.watches == [.content(content)] })
      let holder = Holder(
        peer: Swarm.id("bob"), name: try PeerName("bob"), host: "192.0.2.1", port: 1, complete: true)
      #expect(await watches.holders(of: content, in: .open) == nil)
      index.push([WatchEvent(watch: 1, seq: 1, .holder(.joined, holder)), event(2)])
      var iterator = news.makeAsyncIterator()
      #expect(await iterator.next() == .joined(holder))
      #expect(await iterator.next() == .current)
      #expect(await watches.holders(of: content, in: .open) == [holder])
      let (others, second) = AsyncStream.makeStream(of: HolderWatches.News.self)
      let token = await watches.begin(content, in: .open) { second.yield($0) }
      var other = others.makeAsyncIterator()
      #expect(await other.next() == .joined(holder))
      #expect(await other.next() == .current)
      index.push([WatchEvent(watch: 1, seq: 3, .holder(.left, holder))])
      #expect(await eventually { await watches.holders(of: content, in: .open) == [] })
      index.disconnect()
      #expect(await iterator.next() == .uncertain)
      #expect(await other.next() == .uncertain)
      #expect(await eventually { index.watches.count == 2 })
      await watches.end(first)
      #expect(!index.requests.contains(.unwatch(1)))
      await watches.end(token)
      #expect(await eventually { index.requests.contains(.unwatch(1)) })
    }
  }
}
