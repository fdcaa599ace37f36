// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerDaemon
import Synchronization
import WireProtocol

/// An index that a test scripts: it answers each request with lines of the test, and pushes lines at any time.
final class PushingIndex: Sendable {
  /// The lines that answer a request; `nil` for the usual answer.
  typealias Script = @Sendable (IndexRequest, Int64) -> [String]?

  private struct State {
    var requests: [IndexRequest] = []
    var connections: [NIOLoopBound<any LineConnection>] = []
    var opened = 0
  }

  private let state = Mutex(State())
  private let script: Script

  private init(_ script: @escaping Script) {
    self.script = script
  }

  /// Without `hello` and `ping`.
  var requests: [IndexRequest] {
    state.withLock { state in
      state.requests.filter {
        switch $0 {
        case .hello, .ping: false
        default: true
        }
      }
    }
  }
  var watches: [WatchQuery] {
    requests.compactMap { if case .watch(let query) = $0 { query } else { nil } }
  }
  var lookups: Int { requests.count { if case .lookup = $0 { true } else { false } } }
  var connections: Int { state.withLock { $0.opened } }

  static func with(
    _ script: @escaping Script = { _, _ in nil }, _ body: (PushingIndex, Endpoint) async throws -> Void
  ) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let index = PushingIndex(script)
    let server = try await LineServer.start(
      .address(host: "127.0.0.1", port: 0), group: group, limits: LineLimits(line: 65_536),
      gate: ConnectionGate(limit: 100, limitOfAddress: 100)
    ) { _ in Role(index) }
    func end() async {
      await server.drain(within: .milliseconds(1))
      try? await group.shutdownGracefully()
    }
    do {
      try await body(index, Endpoint(host: "127.0.0.1", port: UInt16(server.address?.port ?? 0)))
    } catch {
      await end()
      throw error
    }
    await end()
  }

  /// Sends lines on all connections.
  func push(_ lines: String...) {
    push(Array((lines.joined(separator: "\n") + "\n").utf8))
  }

  func push(_ events: [WatchEvent]) {
    var output = JSONWriter()
    for event in events { event.writeLine(to: &output) }
    push(output.bytes)
  }

  private func push(_ bytes: [UInt8]) {
    for connection in state.withLock({ $0.connections }) {
      connection.eventLoop.execute { connection.value.send { $0.bytes += bytes } }
    }
  }

  /// Closes all connections.
  func disconnect() {
    for connection in state.withLock({ $0.connections }) { connection.eventLoop.execute { connection.value.abort() } }
  }

  private final class Role: LineRole {
    private let index: PushingIndex
    private var connection: ObjectIdentifier?

    init(_ index: PushingIndex) { self.index = index }

    func opened(_ connection: any LineConnection) {
      self.connection = ObjectIdentifier(connection)
      let bound = NIOLoopBound(connection, eventLoop: connection.eventLoop)
      index.state.withLock {
        $0.connections.append(bound)
        $0.opened += 1
      }
    }

    func closed() {
      let closed = connection
      index.state.withLock { $0.connections.removeAll { ObjectIdentifier($0.value) == closed } }
    }

    func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
      let request = try? LineScratch.current.reader.read(line) {
        (try $0.requestID(), try IndexRequest($0, batchLimit: 1000))
      }
      guard let (id, request) = request else { return .close }
      index.state.withLock { $0.requests.append(request) }
      for line in index.script(request, id) ?? [Self.usual(request, id)] { output.bytes += Array((line + "\n").utf8) }
      return .next
    }

    private static func usual(_ request: IndexRequest, _ id: Int64) -> String {
      let ok = #"{"id":\#(id),"status":200"#
      return switch request {
      case .hello: ok + #","server":"x","host":"127.0.0.1","limits":{}}"#
      case .add(let documents): ok + #","added":\#(documents.count)}"#
      case .remove: ok + #","removed":0}"#
      case .lookup: #"{"id":\#(id),"status":404,"error":"not-found","message":"nobody"}"#
      case .watch: ok + #","watch":1}"#
      default: ok + "}"
      }
    }
  }
}
