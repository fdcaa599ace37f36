// SPDX-License-Identifier: Apache-2.0

/// When a child that exited is started again, and how long stopping one may take.
package struct RestartPolicy: Sendable, Equatable {
  /// Up to this many exits after ready within `burstWindow` lead to an immediate restart; one more backs off.
  package var burst = 5
  package var burstWindow = Duration.seconds(10)
  /// The first back-off; each further one is twice as long.
  package var firstDelay = Duration.milliseconds(50)
  package var longestDelay = Duration.seconds(5)
  /// Exits are forgotten after a child has been ready for this long.
  package var forgetExitsAfter = Duration.seconds(30)
  /// A child with this many consecutive exits before ready counts as failing.
  package var earlyExits = 5
  /// A failing child is parked once its exits before ready span this time.
  package var parkAfter = Duration.seconds(30)
  /// A child that exits with this status before it is ready lacks something that may come back without a person's help,
  /// such as disk space: it is retried without a limit. EX_TEMPFAIL of sysexits.h.
  package var temporaryStatus: Int32 = 75
  /// Time from the request to stop to SIGTERM.
  package var terminateAfter = Duration.seconds(3)
  /// Time from the request to stop to SIGKILL. Twice this, for the peers and then for the index, stays within 10 s.
  package var killAfter = Duration.milliseconds(4_500)
  /// A child that has been silent for longer is unresponsive. Children send a heartbeat every second.
  package var heartbeatTimeout = Duration.seconds(5)
  /// A child that has been silent for this long is killed; `nil` never kills. Less than 60 s means 60 s.
  package var killUnresponsiveAfter: Duration? = minTimeoutBeforeKill

  package static let minTimeoutBeforeKill = Duration.seconds(60)
  /// Before a process is ready, silence lasts this many times longer.
  static let startFactor = 10

  package init() {}

  /// Whether an exit may be followed by success without a person's help, so that it never parks the child.
  package func isTemporary(_ status: Termination) -> Bool {
    switch status {
    case .exited(let number): number == temporaryStatus
    case .notStarted(_, let isTemporary): isTemporary
    case .signaled, .unknown: false
    }
  }

  /// The back-off after `exits` exits, at least 1: `firstDelay` doubled each time up to `longestDelay`, of which jitter takes
  /// away up to half, so that children that crashed together do not start together.
  ///
  /// - Parameter random: 0..<1.
  package func delay(afterExits exits: Int, random: Double) -> Duration {
    var (delay, doublings) = (firstDelay, max(exits, 1) - 1)
    while doublings > 0, delay < longestDelay {
      delay *= 2
      doublings -= 1
    }
    return min(delay, longestDelay) * (0.5 + 0.5 * min(max(random, 0), 1))
  }
}

/// An action of the supervisor on the process of one child. No event reports that a start succeeded; a failed one is reported
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

/// The states of a supervised process as reported to people and front ends.
package enum ProcessState: String, Sendable, Hashable, CaseIterable {
  case starting
  case ready
  case stopping
  case backingOff = "backing-off"
  case parked
  case stopped
}
