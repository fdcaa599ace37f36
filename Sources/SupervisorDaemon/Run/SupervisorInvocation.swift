import Configuration
import DocumentModel
import Glibc
package import Places
import ProcessSupervision

/// From the command line and the environment to the options of a run.
package enum SupervisorInvocation {
  /// - Parameters:
  ///   - home: `--home`, which wins over `P2P_HOME`; relative to the working directory.
  ///   - configuration: `--config`, which must exist; else that of the layout, which need not.
  ///   - environment: of this process.
  package static func options(
    flags: RunFlags, home: String?, configuration: String? = nil,
    environment: [String: String] = ProcessEnvironment.current()
  ) throws(SupervisorError) -> SupervisorOptions {
    let layout = try layout(home: home, environment: environment)
    // The supervisor stays where it was started: a relative path means the same at every reload.
    let path = configuration ?? layout.configurationFile
    let mustExist = configuration != nil
    let file = try read(path, mustExist: mustExist)
    var policy = RestartPolicy()
    if let seconds = file?.supervisor.killUnresponsiveAfter, seconds > 0 {
      policy.killUnresponsiveAfter = .seconds(seconds)
    }
    var options = SupervisorOptions(
      layout: layout, plan: try plan(flags: flags, file: file), programs: try ownDirectory(), policy: policy,
      childEnvironment: SupervisorOptions.childEnvironment(from: environment),
      reload: { () throws(SupervisorError) in
        try plan(flags: flags, file: read(path, mustExist: mustExist))
      })
    options.notifySocket = environment["NOTIFY_SOCKET"]
    return options
  }

  private static func plan(flags: RunFlags, file: ConfigurationFile?) throws(SupervisorError) -> RunPlan {
    let ownName = PeerName.ofCurrentUser()
    let settings = file.map { SupervisorSettings($0, ownName: ownName) }
    return try RunPlan(flags: flags, settings: settings, ownName: ownName)
  }

  private static func read(_ path: String, mustExist: Bool) throws(SupervisorError) -> ConfigurationFile? {
    guard let bytes = SmallFile.read(path) else {
      // What is there and cannot be read must not be taken for absent.
      guard !mustExist, access(path, F_OK) != 0 else {
        throw SupervisorError(.noInput, "cannot read the configuration \(path)")
      }
      return nil
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SupervisorError(.usage, "\(path) is not UTF-8")
    }
    do throws(ConfigurationError) {
      return try ConfigurationFile(text)
    } catch {
      throw SupervisorError(.usage, "\(path): \(error)")
    }
  }

  package static func layout(home: String?, environment: [String: String]) throws(SupervisorError) -> Layout {
    var environment = environment
    if let home {
      guard !home.isEmpty else { throw SupervisorError(.usage, "--home names no directory") }
      environment["P2P_HOME"] = home
    }
    let candidates = Layout.candidates(
      environment: { environment[$0] }, isRoot: geteuid() == 0, workingDirectory: workingDirectory())
    // For a user without a home the system's layout is the only candidate, and not theirs to use.
    guard let layout = candidates.first, layout.kind != .system || geteuid() == 0 else {
      throw SupervisorError(.failed, "there is no place for state and sockets: set P2P_HOME (or --home), or HOME")
    }
    return layout
  }

  private static func workingDirectory() -> String? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }

  /// Where this program lies, and its siblings beside it.
  private static func ownDirectory() throws(SupervisorError) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let slash = path.lastIndex(of: "/") else {
      throw SupervisorError(.failed, "/proc/self/exe does not tell where this program lies: is /proc mounted?")
    }
    return String(path[..<slash])
  }
}
