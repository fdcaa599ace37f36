// SPDX-License-Identifier: Apache-2.0

/// When a child that ended is started again, and how long its end may take.
package struct RestartPolicy: Sendable, Equatable {
  /// This many exits after ready within `burstWindow` are answered by a restart at once; one more, and it backs off.
  package var burst = 5
  package var burstWindow = Duration.seconds(10)
  /// The first back-off; doubled with each further one.
  package var firstDelay = Duration.milliseconds(50)
  package var longestDelay = Duration.seconds(5)
  /// Exits are forgotten once a child has been ready for so long.
  package var forgiveness = Duration.seconds(30)
  /// So many exits in a row before ready park the child.
  package var earlyExits = 5
  /// A child that ends with this status before it is ready lacks something that comes back by itself, such as room on the
  /// disk: it is tried again for as long as that takes. EX_TEMPFAIL of sysexits.h.
  package var temporaryStatus: Int32 = 75
  /// From the request to stop to SIGTERM.
  package var terminateAfter = Duration.seconds(3)
  /// From the request to stop to SIGKILL. Two such spans, one for the peers and one for the index, stay within 10 s.
  package var killAfter = Duration.milliseconds(4_500)
  /// A child that is silent for longer counts as not responsive. Children send a heartbeat every second.
  package var heartbeatTimeout = Duration.seconds(5)
  /// A child silent for so long is killed; `nil`, the default, never kills. Below 60 s it means 60 s.
  package var killUnresponsiveAfter: Duration?

  package static let minTimeoutBeforeKill = Duration.seconds(60)

  package init() {}

  /// The back-off after the given number of exits that count, at least 1: `firstDelay` doubled each time up to
  /// `longestDelay`, and of that between half and all, so that children that fell together do not rise together.
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
