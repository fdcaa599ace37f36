// SPDX-License-Identifier: Apache-2.0

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

@Suite struct RepeatedWarningsTests {
  @Test func `first of each kind is written, then one an hour with the count`() {
    var warnings = RepeatedWarnings()
    let start = NIODeadline.uptimeNanoseconds(5)
    #expect(warnings.judge("a", at: start) == .write)
    #expect(warnings.judge("b", at: start) == .write)
    for second in 1..<3_600 { #expect(warnings.judge("a", at: start + .seconds(Int64(second))) == .leaveOut) }
    #expect(warnings.judge("a", at: start + .hours(1)) == .writeAgain(repeats: 3_600))
    #expect(warnings.judge("a", at: start + .hours(1)) == .leaveOut)
    #expect(warnings.judge("b", at: start + .hours(1)) == .writeAgain(repeats: 1))
    warnings.forget()
    #expect(warnings.judge("a", at: start + .hours(1)) == .write)
  }

  @Test func `end of a fault is written if the fault was`() {
    var warnings = RepeatedWarnings()
    let start = NIODeadline.uptimeNanoseconds(5)
    var isWritten = warnings.recovered()
    #expect(isWritten)
    #expect(warnings.judge("lost", at: start) == .write)
    isWritten = warnings.recovered()
    #expect(isWritten)
    // A connection that comes and goes.
    #expect(warnings.judge("lost", at: start + .seconds(10)) == .leaveOut)
    isWritten = warnings.recovered()
    #expect(!isWritten)
  }

  @Test func `fault that lasts is written again after a line that it is over`() {
    var warnings = RepeatedWarnings()
    let start = NIODeadline.uptimeNanoseconds(5)
    #expect(warnings.judge("lost", at: start) == .write)
    _ = warnings.recovered()
    #expect(warnings.judge("lost", at: start + .seconds(1)) == .leaveOut)
    #expect(warnings.judge("lost", at: start + .seconds(30)) == .leaveOut)
    #expect(warnings.judge("lost", at: start + .seconds(31)) == .writeAgain(repeats: 3))
    #expect(warnings.judge("lost", at: start + .seconds(99)) == .leaveOut)
    let isWritten = warnings.recovered()
    #expect(isWritten)
  }

  /// The lines at `info` and above.
  private final class Lines: LogHandler, @unchecked Sendable {
    private let lines: Mutex<[String]> = Mutex([])
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    var metadataProvider: Logger.MetadataProvider?

    var all: [String] { lines.withLock { $0 } }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { nil }
      set {}
    }
    func log(event: LogEvent) {
      lines.withLock { $0.append("\(event.message)" + (event.metadata?["address"].map { " \($0)" } ?? "")) }
    }
  }

  /// An index that accepts connections and ends each in a different way.
  private final class RudeIndex: LineRole {
    enum Manner: CaseIterable {
      case closesAtOnce
      case isUnavailable
      case refuses
      /// Answers `hello`.
      case works
    }

    private let manner: Manner
    private var hasGreeted = false

    init(_ manner: Manner) {
      self.manner = manner
    }

    func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
      switch manner {
      case .closesAtOnce: break
      case .isUnavailable:
        WireFailure(.unavailable, "index is parked", retryAfter: 0).write(id: nil, to: &output)
      case .refuses: WireFailure(.forbidden, "you are not a member", retryAfter: 0).write(id: nil, to: &output)
      case .works:
        let id = try? LineScratch.current.reader.read(line) { try $0.requestID() }
        if !hasGreeted, let id {
          IndexHelloReply(server: "test", host: "127.0.0.1", isAdvertised: nil, limits: IndexLimits())
            .write(id: id, to: &output)
        }
        hasGreeted = true
        return .next
      }
      return .close
    }
  }

  private let group = MultiThreadedEventLoopGroup.singleton

  private func index(_ manner: RudeIndex.Manner, port: UInt16 = 0, accepted: @escaping @Sendable () -> Void = {})
    async throws -> (server: LineServer, address: Endpoint)
  {
    let server = try await LineServer.start(
      .address(host: "127.0.0.1", port: port), group: group, limits: LineLimits(line: 65_536),
      gate: ConnectionGate(limit: 100, limitOfAddress: 100)
    ) { _ in
      accepted()
      return RudeIndex(manner)
    }
    return (server, Endpoint(host: "127.0.0.1", port: UInt16(clamping: server.address?.port ?? 0)))
  }

  private func link(to address: Endpoint, _ lines: Lines) throws -> IndexLink {
    var logger = Logger(label: "test") { _ in lines }
    logger.logLevel = .info
    return IndexLink(
      address: address,
      hello: IndexHello(peer: Swarm.id("alice"), name: try PeerName("alice"), port: 1, advertise: nil),
      shares: { _ in .init(documents: [], next: nil) }, loop: group.next(), logger: logger,
      random: SeededGenerator(seed: 1))
  }

  @Test func `index that stops and starts is two lines more`() async throws {
    let lines = Lines()
    let first = try await index(.works)
    let link = try link(to: first.address, lines)
    await link.start()
    let connected = "connected to index \(first.address)"
    #expect(await eventually { lines.all == [connected] })
    await first.server.drain(within: .milliseconds(1))
    #expect(await eventually { lines.all.contains("index not reached \(first.address)") })
    let second = try await index(.works, port: first.address.port)
    #expect(await eventually(within: .seconds(20)) { lines.all.last == connected && lines.all.count > 2 })
    await link.stop()
    #expect(
      lines.all == [
        connected, "connection to index lost \(first.address)", "index not reached \(first.address)", connected,
      ])
    await second.server.drain(within: .milliseconds(1))
  }

  @Test func `change of the index is not a loss`() async throws {
    let lines = Lines()
    let (first, second) = (try await index(.works), try await index(.works))
    let link = try link(to: first.address, lines)
    await link.start()
    #expect(await eventually { lines.all.count == 1 })
    await link.use(second.address)
    #expect(await eventually { lines.all.count == 3 })
    await link.stop()
    #expect(
      lines.all == [
        "connected to index \(first.address)", "changing index \(second.address)",
        "connected to index \(second.address)",
      ])
    for server in [first.server, second.server] { await server.drain(within: .milliseconds(1)) }
  }

  @Test(arguments: [
    ("closesAtOnce", "index did not answer hello"), ("isUnavailable", "index not available"),
    ("refuses", "index refused hello"),
  ])
  func `lasting fault is one line, and says refused only of a refusal`(manner: String, expected: String) async throws {
    let kind = try #require(RudeIndex.Manner.allCases.first { "\($0)" == manner })
    let connections = Atomic<Int>(0)
    let (server, address) = try await index(kind) { connections.add(1, ordering: .relaxed) }
    let lines = Lines()
    let link = try link(to: address, lines)
    await link.start()
    #expect(await eventually(within: .seconds(20)) { connections.load(ordering: .relaxed) >= 4 })
    await link.stop()
    #expect(lines.all == ["\(expected) \(address)"])
    await server.drain(within: .milliseconds(1))
  }
}
