// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerIdentity
import Synchronization
import TestSupport

/// A server by TLS with a key of its own, which answers as no program of the system would.
final class SecureServer: Sendable {
  /// The bytes that answer a request; none to say nothing, `nil` to close the connection.
  typealias Answer = @Sendable (_ request: JSONValue, _ client: PeerID) -> [UInt8]?

  private let server: LineServer
  private let log: Log

  private init(_ server: LineServer, _ log: Log) {
    self.server = server
    self.log = log
  }

  static func with(
    _ identity: PeerIdentity, answer: @escaping Answer, _ body: (SecureServer) async throws -> Void
  ) async throws {
    let log = Log()
    let line = try await LineServer.start(
      .address(host: "127.0.0.1", port: 0), group: MultiThreadedEventLoopGroup.singleton,
      limits: LineLimits(line: 4 << 20), gate: ConnectionGate(limit: 1000, limitOfAddress: 1000),
      tls: TLSOffer(TransportIdentity(identity), plain: .never)
    ) { _ in Role(log, answer) }
    let server = SecureServer(line, log)
    do { try await body(server) } catch {
      await line.drain(within: .milliseconds(1))
      throw error
    }
    await line.drain(within: .milliseconds(1))
  }

  var port: UInt16 { UInt16(server.address?.port ?? 0) }
  var endpoint: Endpoint { Endpoint(host: "127.0.0.1", port: port) }

  /// Everything that clients have sent.
  var requests: [JSONValue] { log.held.withLock { $0 } }

  func requests(_ operation: String) -> [JSONValue] { requests.filter { $0["op"]?.string == operation } }

  private final class Log: Sendable {
    let held = Mutex<[JSONValue]>([])
  }

  private final class Role: LineRole {
    private let log: Log
    private let answer: Answer
    private weak var connection: (any LineConnection)?

    init(_ log: Log, _ answer: @escaping Answer) {
      self.log = log
      self.answer = answer
    }

    func opened(_ connection: any LineConnection) { self.connection = connection }

    func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
      guard let request = try? Jansson.decode(Array(line)), let client = connection?.provenPeer else { return .close }
      log.held.withLock { $0.append(request) }
      guard let bytes = answer(request, client) else { return .close }
      output.bytes += bytes
      return .next
    }
  }
}
