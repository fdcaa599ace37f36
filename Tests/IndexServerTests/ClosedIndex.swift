// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import IndexServer
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import NetworkMembership
import PeerIdentity
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// An index of a closed network on a free port of this machine. A connection has proven the id of its `hello`, unless its
/// name is `plain`.
final class ClosedIndex: Sendable {
  let service: IndexService
  let network: ClosedNetwork
  let endpoint: Endpoint
  let operatorSocket: String
  let issuer: PassIssuer
  /// The clock of the index, in seconds.
  let clock: Clock

  final class Clock: Sendable {
    private let seconds = Atomic<Int64>(1_800_000_000)

    var now: Int64 { seconds.load(ordering: .relaxed) }

    func step(_ difference: Int64) { seconds.wrappingAdd(difference, ordering: .relaxed) }
  }

  private init(
    _ service: IndexService, _ network: ClosedNetwork, _ endpoint: Endpoint, _ socket: String, _ issuer: PassIssuer,
    _ clock: Clock
  ) {
    self.service = service
    self.network = network
    self.endpoint = endpoint
    operatorSocket = socket
    self.issuer = issuer
    self.clock = clock
  }

  /// Serves for as long as the body runs.
  /// - Parameter directory: of the state; one of its own by default.
  static func with(
    in directory: TemporaryDirectory? = nil, limits: MembershipLimits = MembershipLimits(),
    _ body: (ClosedIndex) async throws -> Void
  ) async throws {
    let directory = try directory ?? TemporaryDirectory()
    let issuer = PassIssuer(try PeerIdentity.loadOrCreate(at: directory.file("key.pem")))
    let clock = Clock()
    let network = try ClosedNetwork(
      store: NetworkStore(path: directory.file("network.sqlite"), of: issuer.network), issuer: issuer, limits: limits,
      identify: { _, hello in hello.name.text == "plain" ? nil : hello.peer }, wallClock: { clock.now })
    let service = IndexService(network: network)
    let group = MultiThreadedEventLoopGroup.singleton
    let server = try await service.serve(at: .address(host: "127.0.0.1", port: 0), group: group)
    let socket = directory.file("index.sock")
    let control = try await OperatorServer.start(.unix(path: socket), service: service, user: geteuid(), group: group)
    let endpoint = try Endpoint(server.address?.endpointText ?? "")
    network.findAddresses { [endpoint] }
    let index = ClosedIndex(service, network, endpoint, socket, issuer, clock)
    let failure: (any Error)?
    do {
      try await body(index)
      failure = nil
    } catch {
      failure = error
    }
    await server.drain(within: .milliseconds(100))
    await control.drain(within: .milliseconds(100))
    try await onThread { network.stop() }
    if let failure { throw failure }
  }

  // MARK: Peers

  static func id(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits + String(repeating: "5", count: 56)
  }

  func comesToHave(records: Int) async -> Bool {
    await eventually { service.statistics.records == records }
  }

  /// A connection that has said hello.
  func session(_ number: Int, name: String = "peer") throws -> (RawConnection, reply: JSONValue) {
    let connection = try RawConnection(to: endpoint)
    let reply = try connection.ask(Wire.hello(peer: Self.id(number), name: name, port: 40_000 + number % 1000))
    return (connection, reply)
  }

  /// A member's connection.
  func member(_ number: Int, _ role: MemberRole) throws -> RawConnection {
    let (connection, _) = try session(number)
    let reply = try connection.ask(Self.join(try secret(role)))
    guard reply["role"]?.string == role.rawValue else { throw RawConnection.Failure(description: "\(reply)") }
    return connection
  }

  static func join(_ secret: String) -> String { #"{"id":2,"op":"join","secret":"\#(secret)"}"# }

  // MARK: The operator

  func operatorConnection() throws -> RawConnection {
    let connection = try RawConnection(path: operatorSocket)
    let reply = try connection.ask(#"{"id":0,"op":"hello","protocol":1}"#)
    guard reply["peer"]?.string == issuer.network.hex else { throw RawConnection.Failure(description: "\(reply)") }
    return connection
  }

  @discardableResult
  func operate(_ request: String) throws -> JSONValue { try operatorConnection().ask(request) }

  func ticket(_ role: MemberRole = .reader, uses: Int = 1, lifetime: Int = 3600) throws -> Ticket {
    let reply = try operate(
      #"{"id":1,"op":"invite","role":"\#(role.rawValue)","uses":\#(uses),"lifetime":\#(lifetime)}"#)
    guard let ticket = reply["ticket"]?.string else { throw RawConnection.Failure(description: "\(reply)") }
    return try Ticket(ticket)
  }

  func secret(_ role: MemberRole = .reader, uses: Int = 1) throws -> String { try ticket(role, uses: uses).secret.hex }
}
