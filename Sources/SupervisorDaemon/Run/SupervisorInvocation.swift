// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
import POSIXSupport
package import ProcessSupport
import ProcessSupervision

/// From the command line and the environment to the options of a run.
package enum SupervisorInvocation {
  /// - Parameters:
  ///   - home: `--home`, which wins over `P2P_HOME`; relative to the working directory.
  ///   - configuration: `--config`, which must exist; else that of the layout, which need not.
  ///   - environment: of this process.
  package static func options(
    flags: RunFlags, home: String?, configuration: String? = nil,
    environment: [String: String] = CurrentProcess.environment()
  ) throws(SupervisorError) -> SupervisorOptions {
    let layout = try layout(home: home, environment: environment)
    // The supervisor stays where it was started: a relative path means the same at every reload.
    let path = configuration ?? layout.configurationFile
    let mustExist = configuration != nil
    let ownName = ownName(in: layout, environment: environment)
    let makePlan = { @Sendable () throws(SupervisorError) -> RunPlan in
      let file = try read(path, mustExist: mustExist, environment: environment)
      var plan = try RunPlan(
        flags: flags, settings: file.map { SupervisorSettings($0, ownName: ownName) }, ownName: ownName)
      plan.warnings = (file?.warnings ?? []).map { describe($0, in: path) }
      return plan
    }
    var options = SupervisorOptions(
      layout: layout, plan: try makePlan(), programs: try ownDirectory(),
      childEnvironment: SupervisorOptions.childEnvironment(from: environment), reload: makePlan)
    options.notifySocket = environment["NOTIFY_SOCKET"]
    if layout.kind == .system, options.plan.peers.isEmpty, !flags.nameProcesses {
      options.notices.append(
        "no peer is started: none is configured, and a service manager has none of its own; name those of users with "
          + "--peer NAME, or as [peers.NAME] in \(layout.configurationFile)")
    }
    return options
  }

  /// After whom a peer is named where nobody names one: the caller, for root who called sudo(8). A service manager that
  /// starts it for the whole machine is no user: a peer must not run as root because nobody thought of it.
  package static func ownName(in layout: Layout, environment: [String: String]) -> PeerName? {
    guard layout.kind == .system else { return PeerName.ofCurrentUser() }
    if let name = environment["SUDO_USER"].flatMap({ try? PeerName($0) }) { return name }
    return environment["NOTIFY_SOCKET"] == nil ? PeerName.ofCurrentUser() : nil
  }

  /// `nil` where nothing is configured.
  private static func read(
    _ path: String, mustExist: Bool, environment: [String: String]
  ) throws(SupervisorError) -> ConfigurationFile? {
    guard let bytes = try? SmallFile.read(path) else {
      // What is there and cannot be read must not be taken for absent.
      guard !mustExist, access(path, F_OK) != 0 else {
        throw SupervisorError(.noInput, "cannot read the configuration \(path)")
      }
      return EnvironmentSettings.setAny(environment) ? try parse("", path, environment) : nil
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SupervisorError(.usage, "\(path) is not UTF-8")
    }
    return try parse(text, path, environment)
  }

  private static func parse(
    _ text: String, _ path: String, _ environment: [String: String]
  ) throws(SupervisorError) -> ConfigurationFile {
    do throws(ConfigurationError) {
      return try ConfigurationFile(text, environment: environment)
    } catch {
      throw SupervisorError(.usage, describe(error, in: path))
    }
  }

  /// An environment variable names itself; a setting of the file is named after the file.
  private static func describe(_ error: ConfigurationError, in path: String) -> String {
    error.path.hasPrefix("P2P_") ? "\(error)" : "\(path): \(error)"
  }

  package static func layout(home: String?, environment: [String: String]) throws(SupervisorError) -> Layout {
    var environment = environment
    if let home {
      guard !home.isEmpty else { throw SupervisorError(.usage, "--home names no directory") }
      environment["P2P_HOME"] = home
    }
    let candidates = Layout.candidates(
      environment: { environment[$0] }, isRoot: geteuid() == 0, workingDirectory: CurrentProcess.workingDirectory())
    // For a user without a home the system's layout is the only candidate, and not theirs to use.
    guard let layout = candidates.first, layout.kind != .system || geteuid() == 0 else {
      throw SupervisorError(.failed, "there is no place for state and sockets: set P2P_HOME (or --home), or HOME")
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
