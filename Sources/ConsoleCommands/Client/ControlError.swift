// SPDX-License-Identifier: Apache-2.0

package import WireProtocol

/// Why a request over a control socket has no answer to show.
package enum ControlError: Error, Equatable, Sendable {
  /// The path does not fit into a socket address: unix(7) gives 108 bytes with the end.
  case pathTooLong(String)
  /// There is no socket at the path.
  case noSocket(String)
  /// A socket is there, and nobody listens: its daemon was killed.
  case refused(String)
  /// The rights of the socket or of a directory above it keep the caller out.
  case notPermitted(String)
  /// No byte came within the time, in seconds.
  case noAnswer(String, seconds: Int)
  /// The other side closed the connection before it had answered.
  case closed(String)
  /// What came is no line of the protocol.
  case garbage(String, reason: String)
  /// What is asked has no form on the wire: a NUL character in a text.
  case unsendable(reason: String)
  /// The one who answers is not who was asked for.
  case wrongRole(String, ControlHelloReply.Role)
  /// A system call failed with this errno.
  case system(String, call: String, errno: Int32)
  /// The daemon refused, or failed.
  case failure(ControlFailure)
  /// The person at the terminal stopped it.
  case interrupted
}
