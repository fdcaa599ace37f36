// SPDX-License-Identifier: Apache-2.0

package import LineTransport
package import NIOCore
package import WireProtocol

/// The socket on which front ends talk to this daemon.
package final class ControlServer: Sendable {
  /// Front ends at once.
  package static let connectionLimit = 64

  private let server: LineServer

  private init(server: LineServer) {
    self.server = server
  }

  /// Begins to serve. `hello` is answered at once, whatever else the daemon does.
  /// - Throws: `IOError` or `ListenerError`.
  package static func start(
    _ listener: LineServer.Listener, greeting: ControlHelloReply, answering: any ControlAnswering,
    group: any EventLoopGroup
  ) async throws -> ControlServer {
    let gate = ConnectionGate(limit: connectionLimit, limitOfAddress: connectionLimit)
    let server = try await LineServer.start(
      listener, group: group, limits: LineLimits(line: ControlPlane.lineLimit), gate: gate
    ) { _ in ControlRole(greeting: greeting, answering: answering) }
    return ControlServer(server: server)
  }

  /// Ends: takes no more, lets what runs come to its end, closes.
  package func stop(within timeout: TimeAmount) async {
    await server.drain(within: timeout)
  }
}
