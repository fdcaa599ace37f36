// SPDX-License-Identifier: Apache-2.0

import LineJSON
package import LineTransport
package import NIOCore
import NetworkMembership
import POSIXSupport
import WireProtocol

/// The control socket of an index, for the user that runs its supervisor and for root: changes of the membership without
/// being a member.
package enum OperatorServer {
  /// Operators at a time.
  package static let connectionLimit = 16
  private static let refusalLimit = 8
  private static let line = 65_536
  /// Descriptors held back, to serve the operator when peers use all others.
  private static let reserve = 4

  /// Begins to serve.
  ///
  /// - Parameters:
  ///   - user: of the operator; root may connect as well.
  /// - Throws: `IOError` or `ListenerError`.
  package static func start(
    _ listener: LineServer.Listener, service: IndexService, user: UInt32, group: any EventLoopGroup
  ) async throws -> LineServer {
    let gate = ConnectionGate(limit: connectionLimit, limitOfAddress: connectionLimit, refusalLimit: refusalLimit)
    return try await LineServer.start(
      listener, group: group, limits: LineLimits(line: line), gate: gate, reserve: reserve
    ) { _ in OperatorRole(service: service, user: user) }
  }
}

/// One connection of an operator.
final class OperatorRole: LineRole {
  private let service: IndexService
  private let user: UInt32
  private weak var connection: (any LineConnection)?
  private var isAdmitted = false
  private var isGreeted = false

  init(service: IndexService, user: UInt32) {
    self.service = service
    self.user = user
  }

  func opened(_ connection: any LineConnection) {
    self.connection = connection
    if let caller = connection.credentials?.user, caller == user || caller == 0 { isAdmitted = true }
  }

  private enum Request {
    case hello
    case other(IndexRequest)
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    var id: Int64?
    do {
      let request = try LineScratch.current.reader.read(line) { line in
        id = try line.requestID()
        return try Self.request(line)
      }
      return try answer(request, id ?? 0, &output)
    } catch let failure as WireFailure {
      return refuse(failure, id, &output)
    } catch {
      return refuse(.unreadableLine(error), id, &output)
    }
  }

  private func refuse(_ failure: WireFailure, _ id: Int64?, _ output: inout JSONWriter) -> LineVerdict {
    let (reply, endsConnection) = isGreeted ? (failure, false) : failure.beforeHello
    reply.write(id: id, to: &output)
    return endsConnection ? .close : .next
  }

  /// The `hello` of an operator names no peer.
  private static func request(_ line: JSONObject) throws(WireFailure) -> Request {
    guard line["op"]?.isEqual(to: "hello") == true else { return .other(try IndexRequest(line, batchLimit: 1)) }
    try line.checkProtocol()
    return .hello
  }

  private func answer(_ request: Request, _ id: Int64, _ output: inout JSONWriter) throws(WireFailure) -> LineVerdict {
    switch request {
    case .hello where !isAdmitted:
      throw WireFailure(.forbidden, "only the user that runs the index and root may connect here")
    case .hello:
      isGreeted = true
      ControlHelloReply(
        server: "p2p-index/\(ProtocolVersion.program)", role: .index, peer: service.network?.issuer.network,
        name: "index"
      ).write(id: id, to: &output)
    case .other where !isGreeted: throw .helloRequired
    case .other(.ping): output.writeReply(id: id) { _ in }
    case .other(.stats): service.report.write(id: id, to: &output)
    case .other(.membership(let request)):
      guard let network = service.network else { throw .openNetwork }
      return carryOut(request, id, network)
    case .other: throw WireFailure(.unknownOperation, "the control socket of an index has no such operation")
    }
    return .next
  }

  private func carryOut(_ request: MembershipRequest, _ id: Int64, _ network: ClosedNetwork) -> LineVerdict {
    guard let connection else { return .close }
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let loop = connection.eventLoop
    let desk = MembershipDesk(network: network, actor: .operator, host: nil, limits: service.limits.listings)
    desk.carryOut(request) { result in loop.execute { bound.value.connection?.answer(result, to: id) } }
    return .busy
  }

  func receivedTooLong(output: inout JSONWriter) {
    WireFailure(.tooLarge, "the line is too long").write(id: nil, to: &output)
  }

  func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter) {
    let limit = OperatorServer.connectionLimit
    WireFailure(
      .tooMany, "\(limit) operators are connected already", limit: .init("connections", limit), retryAfter: 1
    ).write(id: nil, to: &output)
  }
}
