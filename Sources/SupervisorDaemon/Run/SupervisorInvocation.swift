import DocumentModel
import Glibc
package import Places

/// From the command line and the environment to the options of a run.
package enum SupervisorInvocation {
  /// - Parameters:
  ///   - home: `--home`, which wins over `P2P_HOME`; relative to the working directory.
  ///   - environment: of this process.
  package static func options(
    flags: RunFlags, home: String?, environment: [String: String] = ProcessEnvironment.current()
  ) throws(SupervisorError) -> SupervisorOptions {
    let layout = try layout(home: home, environment: environment)
    let plan = try RunPlan(flags: flags, settings: nil, ownName: PeerName.ofCurrentUser())
    return SupervisorOptions(
      layout: layout, plan: plan, programs: try ownDirectory(),
      childEnvironment: SupervisorOptions.childEnvironment(from: environment))
  }

  package static func layout(home: String?, environment: [String: String]) throws(SupervisorError) -> Layout {
    var environment = environment
    if let home { environment["P2P_HOME"] = home }
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
