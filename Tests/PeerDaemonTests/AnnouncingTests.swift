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

/// What a peer announces to an index that refuses some of it.
@Suite struct AnnouncingTests {
  @Test func `addition during an announcement reaches the index`() async throws {
    let catalogue = Catalogue(["b", "c"], pageLength: 1)
    try await Fixture.with(catalogue) { link, index in
      catalogue.onPage { position in
        guard position?.key.text == "file/b" else { return }
        catalogue.insert("a")
        await link.announceAgain()
      }
      await link.start()
      #expect(await eventually { index.keys == ["file/a", "file/b", "file/c"] })
    }
  }

  /// As downloads do that go on from an earlier process.
  @Test func `request before the start waits for the connection`() async throws {
    try await Fixture.with(Catalogue([], pageLength: 1)) { link, _ in
      async let isConnected = link.isConnectedInTime()
      // Runs behind the question on the executor of the link.
      _ = await link.status
      await link.start()
      #expect(await isConnected)
    }
  }

  @Test func `refused announcement is repeated from the page that failed`() async throws {
    let catalogue = Catalogue(["a", "b", "c"], pageLength: 1)
    try await Fixture.with(catalogue) { link, index in
      index.refuse { request in
        guard case .add(let documents) = request, documents.first?.key.text == "file/b" else { return nil }
        return WireFailure(.tooMany, "full", limit: .init("records", 1))
      }
      await link.start()
      #expect(await eventually { await link.status.error?.contains("full") == true })
      #expect(await link.status.isConnected)
      #expect(index.keys == ["file/a"])
      #expect(!catalogue.positions.contains("file/b"), "nothing follows a refusal for lack of room")
      index.refuse { _ in nil }
      #expect(await eventually { index.keys == ["file/a", "file/b", "file/c"] })
      #expect(await eventually { await link.status.error == nil })
      #expect(catalogue.positions.filter { $0 == nil }.count == 1)
    }
  }

  @Test func `one bad document does not keep the others from the index`() async throws {
    try await Fixture.with(Catalogue(["a", "b", "c"], pageLength: 1)) { link, index in
      index.refuse { request in
        guard case .add(let documents) = request, documents.first?.key.text == "file/a" else { return nil }
        return .badRequest("no")
      }
      await link.start()
      #expect(await eventually { index.keys == ["file/b", "file/c"] })
      #expect(await eventually { await link.status.error?.contains("no") == true })
    }
  }

  @Test func `unreadable catalogue is read again`() async throws {
    let catalogue = Catalogue(["a"], pageLength: 10)
    catalogue.failures.withLock { $0 = 1 }
    try await Fixture.with(catalogue) { link, index in
      await link.start()
      #expect(await eventually { index.keys == ["file/a"] })
    }
  }

  @Test func `refused addition is announced again`() async throws {
    let catalogue = Catalogue([], pageLength: 10)
    try await Fixture.with(catalogue) { link, index in
      await link.start()
      #expect(await link.isConnectedInTime())
      index.refuse { _ in .badRequest("no") }
      catalogue.insert("a")
      #expect(await link.announce([document("a")], in: .open) == false)
      index.refuse { _ in nil }
      #expect(await eventually { index.keys == ["file/a"] })
    }
  }

  @Test func `withdrawals keep to the batch of the index`() async throws {
    let catalogue = Catalogue((0..<7).map(String.init), pageLength: 10)
    try await Fixture.with(catalogue, batch: 3) { link, index in
      await link.start()
      #expect(await eventually { index.keys.count == 7 })
      let records = (0..<7).map { DocumentID(key: document("\($0)").key, content: .empty) }
      #expect(await link.withdraw(records, in: .open))
      #expect(index.keys.isEmpty)
    }
  }

  @Test func `refused withdrawal is repeated`() async throws {
    let catalogue = Catalogue(["a", "b"], pageLength: 10)
    try await Fixture.with(catalogue) { link, index in
      await link.start()
      #expect(await eventually { index.keys.count == 2 })
      index.refuse { request in if case .remove = request { .badRequest("no") } else { nil } }
      catalogue.remove("a")
      #expect(await link.withdraw([.init(key: document("a").key, content: .empty)], in: .open) == false)
      #expect(await link.status.error?.contains("no") == true)
      index.refuse { _ in nil }
      #expect(await eventually { index.keys == ["file/b"] })
      #expect(await eventually { await link.status.error == nil })
    }
  }
}

private func document(_ name: String) -> Document {
  let key = (try? DocumentKey("file/\(name)")) ?? DocumentKey(rfc: 1)
  return Document(key: key, title: .empty, content: .empty, modified: Timestamp(seconds: 0))
}

/// Documents in the order of their keys, in pages.
private final class Catalogue: Sendable {
  private let names: Mutex<Set<String>>
  private let pageLength: Int
  private let read = Mutex<[String?]>([])
  private let hook = Mutex<@Sendable (DocumentID?) async -> Void>({ _ in })
  /// Pages that cannot be read from now on.
  let failures = Mutex(0)

  init(_ names: [String], pageLength: Int) {
    self.names = Mutex(Set(names))
    self.pageLength = pageLength
  }

  /// The keys after which pages were read.
  var positions: [String?] { read.withLock { $0 } }

  func insert(_ name: String) { names.withLock { _ = $0.insert(name) } }
  func remove(_ name: String) { names.withLock { _ = $0.remove(name) } }
  func onPage(_ body: @escaping @Sendable (DocumentID?) async -> Void) { hook.withLock { $0 = body } }

  @Sendable func page(after position: DocumentID?) async -> IndexLink.SharesPage? {
    await hook.withLock { $0 }(position)
    read.withLock { $0.append(position?.key.text) }
    let isBroken = failures.withLock { failures in
      guard failures > 0 else { return false }
      failures -= 1
      return true
    }
    if isBroken { return nil }
    let all = names.withLock { $0.sorted() }.map(document)
    let rest = all.filter { document in position.map { document.key.text > $0.key.text } ?? true }
    let page = Array(rest.prefix(pageLength))
    let next = rest.count > pageLength ? page.last : nil
    return .init(documents: page, next: next.map { DocumentID(key: $0.key, content: $0.content) })
  }
}

/// An index that keeps the records of its only session.
private final class RecordingIndex: Sendable {
  private let records = Mutex<Set<String>>([])
  private let refusal = Mutex<@Sendable (IndexRequest) -> WireFailure?>({ _ in nil })
  let batch: Int

  init(batch: Int) {
    self.batch = batch
  }

  var keys: [String] { records.withLock { $0.sorted() } }

  func refuse(_ decide: @escaping @Sendable (IndexRequest) -> WireFailure?) { refusal.withLock { $0 = decide } }

  func take(_ request: IndexRequest) -> WireFailure? {
    if let failure = refusal.withLock({ $0 })(request) { return failure }
    records.withLock { records in
      switch request {
      case .add(let documents): records.formUnion(documents.map(\.key.text))
      case .remove(let gone): records.subtract(gone.map(\.key.text))
      default: break
      }
    }
    return nil
  }
}

private final class RecordingRole: LineRole {
  private let index: RecordingIndex

  init(_ index: RecordingIndex) {
    self.index = index
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    var id: Int64?
    do {
      let (known, request) = try LineScratch.current.reader.read(line) { line in
        id = try line.requestID()
        return (id ?? 0, try IndexRequest(line, batchLimit: index.batch))
      }
      if case .hello = request {
        let limits = #"{"batch":\#(index.batch)}"#
        output.bytes += Array(
          (#"{"id":\#(known),"status":200,"server":"x","host":"127.0.0.1","limits":\#(limits)}"# + "\n").utf8)
      } else if let failure = index.take(request) {
        failure.write(id: known, to: &output)
      } else {
        output.bytes += Array((#"{"id":\#(known),"status":200,"added":0,"removed":0}"# + "\n").utf8)
      }
    } catch {
      WireFailure.badRequest("\(error)").write(id: id, to: &output)
    }
    return .next
  }
}

private enum Fixture {
  /// Short pauses. The smallest values would never pass the rejection sampling of the standard library.
  private struct Lowest: RandomNumberGenerator {
    mutating func next() -> UInt64 { 1 << 54 }
  }

  static func with(
    _ catalogue: Catalogue, batch: Int = 1000, _ body: (IndexLink, RecordingIndex) async throws -> Void
  ) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let index = RecordingIndex(batch: batch)
    let server = try await LineServer.start(
      .address(host: "127.0.0.1", port: 0), group: group, limits: LineLimits(line: 1 << 20),
      gate: ConnectionGate(limit: 100, limitOfAddress: 100)
    ) { _ in RecordingRole(index) }
    var logger = Logger(label: "bob")
    logger.logLevel = .critical
    let link = IndexLink(
      address: Endpoint(host: "127.0.0.1", port: UInt16(server.address?.port ?? 0)),
      hello: IndexHello(peer: Swarm.id("bob"), name: try PeerName("bob"), port: 1), shares: catalogue.page,
      loop: group.next(), logger: logger, random: Lowest())
    let result: Result<Void, any Error>
    do { result = .success(try await body(link, index)) } catch { result = .failure(error) }
    await link.stop()
    await server.drain(within: .milliseconds(1))
    try await group.shutdownGracefully()
    try result.get()
  }
}
