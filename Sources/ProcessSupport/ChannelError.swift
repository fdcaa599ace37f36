// SPDX-License-Identifier: Apache-2.0

package import WireProtocol

/// Why a process that was told of a channel cannot use it. Such a process exits with status 64 after saying so.
package enum ChannelError: Error, Equatable {
  /// The environment names no open socket.
  case noSocket(variable: String)
  /// The supervisor ended before it said anything.
  case closed
  case refused(ChannelStart.Refusal)
  /// The listener of this name is no listening socket.
  case noListener(String)
}

extension ChannelError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noSocket(let variable):
      "\(ChannelProtocol.environmentVariable)=\(variable) names no open socket; unset it to start this program by hand"
    case .closed: "the supervisor closed its channel before it sent the settings"
    case .refused(let refusal): "\(refusal)"
    case .noListener(let name): "the supervisor passed no listening socket for \(name)"
    }
  }
}
