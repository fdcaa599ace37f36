// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerIdentity
import TestSupport

/// A client by TLS with a key of its own, which sends what no program of the system would.
final class SecureClient: Sendable {
  private let lines: AsyncStream<String>
  private let channel: any Channel

  private init(_ channel: any Channel, _ lines: AsyncStream<String>) {
    self.channel = channel
    self.lines = lines
  }

  /// Connects and sends lines.
  /// - Parameter expected: the id that the other side has to prove.
  static func connect(
    to endpoint: Endpoint, as identity: PeerIdentity, expecting expected: PeerID? = nil, sending lines: [String]
  ) async throws -> SecureClient {
    let (stream, continuation) = AsyncStream<String>.makeStream()
    let channel = try await LineClient.connect(
      host: endpoint.host, port: endpoint.port, on: MultiThreadedEventLoopGroup.singleton.any(),
      limits: LineLimits(line: 1 << 20), timeout: .seconds(20),
      tls: ClientTLS(try TransportIdentity(identity), expected: expected)
    ) { _ in Role(lines, continuation) }.get()
    // A test that waits for what does not come ends.
    channel.eventLoop.scheduleTask(in: .seconds(40)) { channel.close(promise: nil) }
    return SecureClient(channel, stream)
  }

  /// The next line; `nil` at the end of the connection.
  func line() async throws -> JSONValue? {
    for await line in lines { return try Jansson.decode(Array(line.utf8)) }
    return nil
  }

  func close() async { try? await channel.close() }

  /// Says hello to an index, sends a request and returns its reply.
  static func ask(_ endpoint: Endpoint, as identity: PeerIdentity, _ request: String) async throws -> JSONValue {
    let client = try await connect(to: endpoint, as: identity, sending: [hello(identity), request])
    let hello = try await client.line()
    let reply = try await client.line() ?? hello
    await client.close()
    guard let reply else { throw Program.Failure(description: "no reply to \(request)") }
    return reply
  }

  static func hello(_ identity: PeerIdentity, pass: String? = nil) -> String {
    let pass = pass.map { #","pass":"\#($0)""# } ?? ""
    return #"{"id":1,"op":"hello","protocol":1,"peer":"\#(identity.id.hex)","name":"mallory"\#(pass)}"#
  }

  private final class Role: LineRole {
    private let lines: [String]
    private let received: AsyncStream<String>.Continuation

    init(_ lines: [String], _ received: AsyncStream<String>.Continuation) {
      self.lines = lines
      self.received = received
    }

    func opened(_ connection: any LineConnection) {
      connection.send { output in
        for line in lines { output.bytes += Array("\(line)\n".utf8) }
      }
    }

    func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
      received.yield(String(decoding: line, as: UTF8.self))
      return .next
    }

    func closed() { received.finish() }
  }
}
