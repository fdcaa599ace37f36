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
    func log(event: LogEvent) { lines.withLock { $0.append("\(event.message)") } }
  }

  /// An index that accepts connections and ends each in a different way.
  private final class RudeIndex: LineRole {
    enum Manner: CaseIterable {
      case closesAtOnce
      case isUnavailable
      case refuses
    }

    private let manner: Manner

    init(_ manner: Manner) {
      self.manner = manner
    }

    func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
      switch manner {
      case .closesAtOnce: break
      case .isUnavailable:
        WireFailure(.unavailable, "index is parked", retryAfter: 0).write(id: nil, to: &output)
      case .refuses: WireFailure(.forbidden, "you are not a member", retryAfter: 0).write(id: nil, to: &output)
      }
      return .close
    }
  }

  @Test(arguments: [
    ("closesAtOnce", "index did not answer hello"), ("isUnavailable", "index not available"),
    ("refuses", "index refused hello"),
  ])
  func `lasting fault is one line, and says refused only of a refusal`(manner: String, expected: String) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let kind = try #require(RudeIndex.Manner.allCases.first { "\($0)" == manner })
    let connections = Atomic<Int>(0)
    let server = try await LineServer.start(
      .address(host: "127.0.0.1", port: 0), group: group, limits: LineLimits(line: 65_536),
      gate: ConnectionGate(limit: 100, limitOfAddress: 100)
    ) { _ in
      connections.add(1, ordering: .relaxed)
      return RudeIndex(kind)
    }
    let lines = Lines()
    var logger = Logger(label: "test") { _ in lines }
    logger.logLevel = .info
    let link = IndexLink(
      address: Endpoint(host: "127.0.0.1", port: UInt16(server.address?.port ?? 0)),
      hello: IndexHello(peer: Swarm.id("alice"), name: try PeerName("alice"), port: 1, advertise: nil),
      shares: { _ in nil }, loop: group.next(), logger: logger, random: SeededGenerator(seed: 1))
    await link.start()
    #expect(await eventually(within: .seconds(20)) { connections.load(ordering: .relaxed) >= 4 })
    await link.stop()
    #expect(lines.all == [expected])
    await server.drain(within: .milliseconds(1))
    try await group.shutdownGracefully()
  }
}
