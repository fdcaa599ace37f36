// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
package import LineTransport
package import NIOCore
package import NIOPosix
package import WireProtocol

/// Serves what is shared to other peers.
package final class UploadServer: Sendable {
  private let server: LineServer
  private let gate: ConnectionGate

  private init(server: LineServer, gate: ConnectionGate) {
    self.server = server
    self.gate = gate
  }

  /// How many connections there are now.
  package var connectionCount: Int { gate.count }

  /// Begins to serve.
  ///
  /// - Parameters:
  ///   - pool: runs what blocks: catalogue and files.
  ///   - fileChanged: told of the path of a share whose file is no longer what it was, or has to be hashed again; from
  ///     any thread.
  /// - Throws: the errno of bind(2) or listen(2) as `IOError`, or `ListenerError`.
  package static func start(
    _ listener: LineServer.Listener, identity: (id: PeerID, name: PeerName), catalogue: Catalogue,
    transfers: TransferRegistry, group: any EventLoopGroup, pool: NIOThreadPool, limits: PeerLimits = PeerLimits(),
    fileChanged: @escaping @Sendable (String) -> Void
  ) async throws -> UploadServer {
    let service = UploadService(catalogue: catalogue, limits: limits, fileChanged: fileChanged)
    let gate = ConnectionGate(limit: limits.connections, limitOfAddress: limits.connectionsPerAddress)
    let server = try await LineServer.start(
      listener, group: group, limits: LineLimits(line: limits.line), gate: gate
    ) { _ in UploadRole(service: service, identity: identity, pool: pool, transfers: transfers) }
    return UploadServer(server: server, gate: gate)
  }

  /// Where it listens.
  package var address: Endpoint {
    Endpoint(host: server.address?.hostText ?? "", port: UInt16(server.address?.port ?? 0))
  }

  /// Ends: accepts no more, finishes what is being sent, closes.
  package func stop(within timeout: TimeAmount) async {
    await server.drain(within: timeout)
  }
}
