// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerIdentity
import TestSupport
import WireProtocol

/// A client by TLS with a key of its own, which sends what no program of the system would.
final class SecureClient: Sendable {
  /// The id of the requests that keep a session with records; their replies are no lines of a test.
  private static let pingID: Int64 = 999_999_999

  private let lines: AsyncStream<String>
  private let channel: any Channel
  private let connection: NIOLoopBound<any LineConnection>

  private init(_ channel: any Channel, _ lines: AsyncStream<String>, _ connection: NIOLoopBound<any LineConnection>) {
    self.channel = channel
    self.lines = lines
    self.connection = connection
  }

  /// Connects and sends lines.
  /// - Parameter expected: the id that the other side has to prove.
  static func connect(
    to endpoint: Endpoint, as identity: PeerIdentity, expecting expected: PeerID? = nil, sending lines: [String] = []
  ) async throws -> SecureClient {
    let (stream, continuation) = AsyncStream<String>.makeStream()
    let loop = MultiThreadedEventLoopGroup.singleton.any()
    let opened = loop.makePromise(of: NIOLoopBound<any LineConnection>.self)
    do {
      let channel = try await LineClient.connect(
        host: endpoint.host, port: endpoint.port, on: loop,
        limits: LineLimits(line: 1 << 20), timeout: .seconds(20),
        tls: ClientTLS(try TransportIdentity(identity), expected: expected)
      ) { _ in Role(lines, continuation, opened) }.get()
      // A test that waits for what does not come ends.
      channel.eventLoop.scheduleTask(in: .seconds(120)) { channel.close(promise: nil) }
      return SecureClient(channel, stream, try await opened.futureResult.get())
    } catch {
      opened.fail(error)
      throw error
    }
  }

  func send(_ line: String) {
    connection.eventLoop.execute { [connection] in
      connection.value.send { $0.bytes += Array("\(line)\n".utf8) }
    }
  }

  /// Keeps a session that has records.
  func keepAlive() {
    connection.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .seconds(2)) { [channel, connection] task in
      guard channel.isActive else { return task.cancel() }
      connection.value.send { $0.bytes += Array("{\"id\":\(Self.pingID),\"op\":\"ping\"}\n".utf8) }
    }
  }

  /// The next line; `nil` at the end of the connection.
  func line() async throws -> JSONValue? {
    for await line in lines {
      let value = try Jansson.decode(Array(line.utf8))
      if value["id"]?.integer != Self.pingID { return value }
    }
    return nil
  }

  /// Sends a request and returns the next line.
  func ask(_ request: String) async throws -> JSONValue {
    send(request)
    guard let reply = try await line() else { throw Program.Failure(description: "no reply to \(request)") }
    return reply
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

  /// A session of a peer that joins with a ticket.
  /// - Parameter port: where it says that it serves what it announces.
  static func join(
    _ endpoint: Endpoint, as identity: PeerIdentity, with ticket: Ticket, servingAt port: UInt16? = nil
  ) async throws -> SecureClient {
    let client = try await connect(
      to: endpoint, as: identity, expecting: ticket.index, sending: [hello(identity, servingAt: port)])
    _ = try await client.line()
    let joined = try await client.ask(#"{"id":2,"op":"join","secret":"\#(ticket.secret.hex)"}"#)
    guard joined["status"]?.integer == 200 else { throw Program.Failure(description: "cannot join: \(joined)") }
    return client
  }

  static func hello(_ identity: PeerIdentity, pass: String? = nil, servingAt port: UInt16? = nil) -> String {
    let pass = pass.map { #","pass":"\#($0)""# } ?? ""
    let port = port.map { #","port":\#($0)"# } ?? ""
    return #"{"id":1,"op":"hello","protocol":1,"peer":"\#(identity.id.hex)","name":"mallory"\#(pass)\#(port)}"#
  }

  private final class Role: LineRole {
    private let lines: [String]
    private let received: AsyncStream<String>.Continuation
    private let connected: EventLoopPromise<NIOLoopBound<any LineConnection>>

    init(
      _ lines: [String], _ received: AsyncStream<String>.Continuation,
      _ connected: EventLoopPromise<NIOLoopBound<any LineConnection>>
    ) {
      self.lines = lines
      self.received = received
      self.connected = connected
    }

    func opened(_ connection: any LineConnection) {
      connected.succeed(NIOLoopBound(connection, eventLoop: connection.eventLoop))
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
