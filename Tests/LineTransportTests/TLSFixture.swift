// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerIdentity
import TestSupport

/// A server that offers TLS, and clients of it.
struct TLSFixture {
  static let group = MultiThreadedEventLoopGroup.singleton

  let directory: TemporaryDirectory
  let server: LineServer
  let serverID: PeerID
  let endpoint: Endpoint

  init(
    plain: PlainConnections = .always, line: Int = 1024, connections: Int = 100,
    _ change: (inout HandshakeLimits) -> Void = { _ in }
  ) async throws {
    directory = try TemporaryDirectory()
    let identity = try Self.identity(in: directory, "server")
    serverID = identity.id
    var offer = TLSOffer(identity, plain: plain)
    change(&offer.handshakes)
    server = try await LineServer.start(
      .address(host: "127.0.0.1", port: 0), group: Self.group, limits: LineLimits(line: line),
      gate: ConnectionGate(limit: connections, limitOfAddress: connections), tls: offer
    ) { _ in ProvenRole() }
    endpoint = try Endpoint(server.address?.endpointText ?? "")
  }

  static func identity(in directory: TemporaryDirectory, _ name: String) throws -> TransportIdentity {
    try TransportIdentity(PeerIdentity.loadOrCreate(at: directory.file(name + ".pem")))
  }

  func identity(_ name: String) throws -> TransportIdentity { try Self.identity(in: directory, name) }

  /// Sends a line by TLS.
  /// - Parameter expected: of the server.
  func ask(_ line: String, as identity: TransportIdentity, expected: PeerID?) async throws -> AskingRole.Answer {
    let answer = Self.group.any().makePromise(of: AskingRole.Answer.self)
    do {
      let channel = try await connect(as: identity, expected: expected) { AskingRole(line, answer) }
      let found = try await answer.futureResult.get()
      try? await channel.close()
      return found
    } catch {
      answer.fail(error)
      throw error
    }
  }

  func connect(
    as identity: TransportIdentity, expected: PeerID?, line: Int = 8 << 20, timeout: TimeAmount = .seconds(60),
    _ makeRole: @escaping @Sendable () -> some LineRole
  ) async throws -> any Channel {
    try await LineClient.connect(
      host: endpoint.host, port: endpoint.port, on: Self.group.any(), limits: LineLimits(line: line), timeout: timeout,
      tls: ClientTLS(identity, expected: expected)
    ) { _ in makeRole() }.get()
  }
}

/// Answers `who` with the proven id of the client, other lines with themselves.
final class ProvenRole: LineRole {
  private weak var connection: (any LineConnection)?

  func opened(_ connection: any LineConnection) { self.connection = connection }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    let text = String(decoding: line, as: UTF8.self)
    output.bytes += Array((text == "who" ? connection?.provenPeer?.hex ?? "nobody" : text).utf8) + [0x0A]
    return .next
  }

  func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter) {
    output.bytes += Array("{\(refusal)}\n".utf8)
  }
}

/// Sends a line and keeps the first one that comes back.
final class AskingRole: LineRole {
  struct Answer: Sendable {
    let line: String
    /// The id that the server had proven when the connection was opened.
    let server: PeerID?
  }

  private let line: String
  private let answer: EventLoopPromise<Answer>
  private var server: PeerID?

  init(_ line: String, _ answer: EventLoopPromise<Answer>) {
    self.line = line
    self.answer = answer
  }

  func opened(_ connection: any LineConnection) {
    server = connection.provenPeer
    connection.send { $0.bytes += Array("\(line)\n".utf8) }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    answer.succeed(Answer(line: String(decoding: line, as: UTF8.self), server: server))
    return .next
  }

  func closed() {
    answer.fail(ChannelError.eof)
  }
}
