// SPDX-License-Identifier: Apache-2.0

package import ProcessSupport

/// All that a run of the supervisor depends on, gathered by its entry point.
package struct SupervisorOptions: Sendable {
  package var layout: Layout
  package var plan: RunPlan
  /// The directory of the programs to start, which is the supervisor's own.
  package var programs: String
  /// What a person should know who looks into the log.
  package var notices: [String] = []
  /// What children get of the environment.
  package var childEnvironment: [String: String]
  /// `NOTIFY_SOCKET` of sd_notify(3): where a service manager wants to hear of the start and the end.
  package var notifySocket: String?
  /// Whether its own log goes to standard error too.
  package var echoesLog: Bool
  /// Reads the configuration again.
  package var reload: @Sendable () throws(SupervisorError) -> RunPlan

  package init(
    layout: Layout, plan: RunPlan, programs: String, childEnvironment: [String: String] = [:], echoesLog: Bool = true,
    reload: (@Sendable () throws(SupervisorError) -> RunPlan)? = nil
  ) {
    self.layout = layout
    self.plan = plan
    self.programs = programs
    self.childEnvironment = childEnvironment
    self.echoesLog = echoesLog
    self.reload = reload ?? { plan }
  }

  /// The variables that may matter to a child: where to find programs, how to speak, which time zone, and our own.
  package static func childEnvironment(from environment: [String: String]) -> [String: String] {
    environment.filter { name, _ in
      ["PATH", "LANG", "TZ", "TMPDIR"].contains(name) || name.hasPrefix("LC_") || name.hasPrefix("P2P_")
    }
  }
}
