// SPDX-License-Identifier: Apache-2.0

package import LineTransport
package import NIOCore
import WireProtocol

/// An index that is being served.
package final class IndexServer: Sendable {
  private let server: LineServer

  private init(server: LineServer) {
    self.server = server
  }

  /// Begins to serve.
  ///
  /// - Throws: the errno of bind(2) or listen(2) as `IOError`, or `ListenerError`.
  package static func start(
    _ listener: LineServer.Listener, service: IndexService, group: any EventLoopGroup
  ) async throws -> IndexServer {
    let limits = service.limits
    let gate = ConnectionGate(limit: limits.connections, limitOfAddress: limits.connectionsPerAddress)
    let server = try await LineServer.start(
      listener, group: group, limits: LineLimits(line: limits.line), gate: gate
    ) { _ in IndexRole(service: service) }
    return IndexServer(server: server)
  }

  /// Where it listens, as `HOST:PORT`.
  package var address: String { server.address?.endpointText ?? "" }

  /// Ends: accepts no more, answers what is under way, closes.
  package func stop(within timeout: TimeAmount = .seconds(2)) async {
    await server.drain(within: timeout)
  }
}
