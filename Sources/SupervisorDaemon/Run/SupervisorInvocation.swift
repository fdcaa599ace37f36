// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupervision
package import ProcessSupport

/// Turns the command line and the environment into the options of a run.
package enum SupervisorInvocation {
  /// - Parameters:
  ///   - home: `--home`, which wins over `P2P_HOME`; relative to the working directory.
  ///   - configuration: `--config`, which must exist; by default the file of the layout, which need not.
  ///   - environment: of this process.
  package static func options(
    flags: RunFlags, home: String?, configuration: String? = nil,
    environment: [String: String] = CurrentProcess.environment()
  ) throws(SupervisorError) -> SupervisorOptions {
    let layout = try layout(home: home, environment: environment)
    // The supervisor never changes its directory, so a relative path means the same file at every reload.
    let source = ConfigurationSource(
      path: configuration ?? layout.configurationFile, mustExist: configuration != nil, environment: environment)
    let ownName = ownName(in: layout, environment: environment)
    let makePlan = { @Sendable () throws(SupervisorError) -> RunPlan in
      let file = try source.read()
      var plan = try RunPlan(
        flags: flags, settings: file.map { SupervisorSettings($0, ownName: ownName) }, ownName: ownName)
      plan.warnings = (file?.warnings ?? []).map { source.describe($0) } + EnvironmentSettings.unknown(in: environment)
      return plan
    }
    var options = SupervisorOptions(
      layout: layout, plan: try makePlan(), programs: try ownDirectory(),
      childEnvironment: SupervisorOptions.childEnvironment(from: environment), reload: makePlan)
    options.notifySocket = environment["NOTIFY_SOCKET"]
    options.childEnvironment.merge(options.plan.logStyle.environment) { $1 }
    chooseLog(&options, environment)
    if layout.kind == .system, options.plan.peers.isEmpty, !flags.nameProcesses {
      options.notices.append(
        "no peer is configured, and a service has no default peer: add peers with --peer NAME or as [peers.NAME] in "
          + "\(layout.configurationFile)")
    }
    return options
  }

  private static func chooseLog(_ options: inout SupervisorOptions, _ environment: [String: String]) {
    let style = options.plan.logStyle
    guard (options.plan.logDestination ?? LogDestination(.current(environment))) == .journal else { return }
    guard !LogDestination.isFile(STDERR_FILENO) else {
      // It would grow without end, while the files of the log are rotated.
      if options.plan.logDestination != nil {
        options.notices.append(
          "standard error is a file, so logs go to \(options.layout.log(of: "supervisor")) and the files beside it")
      }
      return
    }
    options.sharedLog = StandardError(program: "p2p-supervisor", style: style)
  }

  /// The name of the default peer: that of the user, or of the caller of sudo(8). `nil` for a service of the whole machine,
  /// because a peer must not run as root by accident.
  package static func ownName(in layout: Layout, environment: [String: String]) -> PeerName? {
    guard layout.kind == .system else { return PeerName.ofCurrentUser() }
    if let name = environment["SUDO_USER"].flatMap({ try? PeerName($0) }) { return name }
    return environment["NOTIFY_SOCKET"] == nil ? PeerName.ofCurrentUser() : nil
  }

  package static func layout(home: String?, environment: [String: String]) throws(SupervisorError) -> Layout {
    var environment = environment
    if let home {
      guard !home.isEmpty else { throw SupervisorError(.usage, "--home is empty") }
      environment["P2P_HOME"] = home
    }
    let candidates = Layout.candidates(
      environment: { environment[$0] }, isRoot: geteuid() == 0, workingDirectory: CurrentProcess.workingDirectory())
    if home == nil,
      let (name, value) = Layout.unreadableVariable(isRoot: geteuid() == 0, value: CurrentProcess.variableBytes)
    {
      throw SupervisorError(
        .usage,
        "\(name) is not UTF-8: \(TextRules.escapedForTerminal(value)); set P2P_HOME to a directory whose name is")
    }
    // For a user without a home the only candidate is the system's layout, which belongs to root.
    guard let layout = candidates.first, layout.kind != .system || geteuid() == 0 else {
      throw SupervisorError(.failed, "no directory for state and sockets: set P2P_HOME (or --home), or HOME")
    }
    return layout
  }

  /// The directory of this program and of the programs that it starts.
  private static func ownDirectory() throws(SupervisorError) -> String {
    guard let directory = CurrentProcess.executableDirectory() else {
      throw SupervisorError(.failed, "cannot read the path of this program from /proc/self/exe: is /proc mounted?")
    }
    return directory
  }
}

/// Everything that a run of the supervisor depends on, collected by its entry point.
package struct SupervisorOptions: Sendable {
  package var layout: Layout
  package var plan: RunPlan
  /// The directory of the programs to start: the supervisor's own.
  package var programs: String
  /// Messages for the log at start.
  package var notices: [String] = []
  /// The environment of children.
  package var childEnvironment: [String: String]
  /// `NOTIFY_SOCKET` of sd_notify(3): where a service manager expects status messages.
  package var notifySocket: String?
  /// Whether the log also goes to standard error.
  package var echoesLog: Bool
  /// Standard error, if all processes log there; `nil` for a file each.
  package var sharedLog: StandardError?
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

  /// Where the process of this name logs.
  /// - Parameter reader: a user besides the supervisor's who may read it.
  package func logTarget(of name: String, reader: UInt32? = nil) -> LogTarget {
    sharedLog.map { .shared($0) } ?? .file(path: layout.log(of: name), reader: reader)
  }

  /// The variables passed to children: search path, language, time zone, and our own.
  package static func childEnvironment(from environment: [String: String]) -> [String: String] {
    environment.filter { name, _ in
      ["PATH", "LANG", "TZ", "TMPDIR"].contains(name) || name.hasPrefix("LC_") || name.hasPrefix("P2P_")
    }
  }
}
