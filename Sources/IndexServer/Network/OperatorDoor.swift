// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineTransport
import NIOCore
import POSIXSupport
import ProcessSupport
import WireProtocol

/// The control socket of this process's index, as it is inherited or made.
struct OperatorDoor: Sendable {
  private let server: LineServer

  /// - Parameter control: the path of the socket to make, unless a supervisor passes one.
  /// - Returns: `nil` in an open network.
  static func open(
    _ service: IndexService, _ channel: SupervisorChannel?, control: String?, group: any EventLoopGroup
  ) async throws -> OperatorDoor? {
    guard service.network != nil else { return nil }
    if let channel {
      guard let descriptor = channel.start.listeners.control, case .index(let settings) = channel.start.settings else {
        return nil
      }
      return OperatorDoor(
        server: try await OperatorServer.start(
          .inherited(descriptor), service: service, user: settings.operatorUser ?? geteuid(), group: group))
    }
    guard let control else { return nil }
    return OperatorDoor(
      server: try await OperatorServer.start(.unix(path: control), service: service, user: geteuid(), group: group))
  }

  /// Takes ownership of the descriptor.
  func replaceListener(with descriptor: CInt) {
    Task { try? await server.replaceListener(with: descriptor) }
  }

  func close() async {
    await server.drain(within: .milliseconds(500))
  }
}
