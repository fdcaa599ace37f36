// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerIdentity
import Synchronization
import TestSupport

/// A server by TLS with a key of its own, or of plain lines, which answers as no program of the system would.
final class SecureServer: Sendable {
  /// The bytes that answer a request; none to say nothing, `nil` to close the connection.
  typealias Answer = @Sendable (_ request: JSONValue, _ client: PeerID) -> [UInt8]?

  private let server: LineServer
  private let log: Log

  private init(_ server: LineServer, _ log: Log) {
    self.server = server
    self.log = log
  }

  /// - Parameters:
  ///   - identity: `nil` for plain lines; then each client has the id 0 and is greeted before it has asked.
  ///   - port: any free one unless given.
  static func with(
    _ identity: PeerIdentity?, port: UInt16 = 0, answer: @escaping Answer, _ body: (SecureServer) async throws -> Void
  ) async throws {
    let log = Log()
    let line = try await LineServer.start(
      .address(host: "127.0.0.1", port: port), group: MultiThreadedEventLoopGroup.singleton,
      limits: LineLimits(line: 4 << 20), gate: ConnectionGate(limit: 1000, limitOfAddress: 1000),
      tls: identity.map { TLSOffer(try TransportIdentity($0), plain: .never) }
    ) { _ in Role(log, identity == nil, answer) }
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
    private let isPlain: Bool
    private weak var connection: (any LineConnection)?

    init(_ log: Log, _ isPlain: Bool, _ answer: @escaping Answer) {
      self.log = log
      self.isPlain = isPlain
      self.answer = answer
    }

    func opened(_ connection: any LineConnection) {
      self.connection = connection
      guard isPlain, let greeting = answer(["id": 1, "op": "hello"], PeerID(digest: .zero)) else { return }
      connection.send { $0.bytes += greeting }
    }

    func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
      guard let request = try? Jansson.decode(Array(line)) else { return .close }
      log.held.withLock { $0.append(request) }
      guard let bytes = answer(request, connection?.provenPeer ?? PeerID(digest: .zero)) else { return .close }
      output.bytes += bytes
      return .next
    }
  }
}
