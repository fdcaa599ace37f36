// SPDX-License-Identifier: Apache-2.0

/// What the supervisor does to the process of one child. No event reports that a start succeeded; a failed one is reported
/// as an exit.
package enum ProcessAction: Sendable, Equatable {
  case none
  /// Start a process and send its settings.
  case spawn
  /// Ask over the channel.
  case ask
  /// Ask over the channel and send SIGTERM.
  case terminate
  /// Send SIGKILL.
  case kill
}
