// SPDX-License-Identifier: Apache-2.0

/// What the shell shall do to the processes of one child. Whether a start succeeds it tells by nothing (the process runs)
/// or by an exit (it could not).
package enum ProcessAction: Sendable, Equatable {
  case none
  /// Start a process and tell it what it is.
  case spawn
  /// Tell the standby what it is; where it has ended unnoticed, `spawn`.
  case promote
  /// Start a process, and tell it nothing yet.
  case prepare
  /// End the standby, which holds nothing, at once.
  case discard
  /// Ask over the channel.
  case ask
  /// Ask over the channel and send SIGTERM.
  case terminate
  /// Send SIGKILL.
  case kill
}
