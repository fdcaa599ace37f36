// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import IndexServer
import LineTransport
import NIOCore
import NIOPosix
import TestSupport
import WireProtocol

/// An index on a free port of this machine.
struct ServedIndex {
  let service: IndexService
  let endpoint: Endpoint

  /// Serves for as long as the body runs.
  static func with(
    limits: IndexLimits = IndexLimits(), _ body: (ServedIndex) async throws -> Void
  ) async throws {
    let service = IndexService(limits: limits)
    let server = try await service.serve(
      at: .address(host: "127.0.0.1", port: 0), group: MultiThreadedEventLoopGroup.singleton)
    let served = ServedIndex(service: service, endpoint: try Endpoint(server.address?.endpointText ?? ""))
    do {
      try await body(served)
    } catch {
      await server.drain(within: .milliseconds(100))
      throw error
    }
    await server.drain(within: .milliseconds(100))
  }

  func connect() throws -> RawConnection {
    try RawConnection(to: endpoint)
  }

  /// A connection that has said hello.
  func session(peer: String = Wire.alice, name: String = "alice", port: Int? = 40_001) throws -> RawConnection {
    let connection = try connect()
    _ = try connection.ask(Wire.hello(peer: peer, name: name, port: port))
    return connection
  }

  /// Whether the index comes to have that many records.
  func comesToHave(records: Int) async -> Bool {
    await eventually { service.statistics.records == records }
  }
}
