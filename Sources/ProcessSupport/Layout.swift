// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
package import POSIXSupport

/// The paths of one installation: configuration, state, sockets, downloads, logs.
///
/// There are three layouts: one directory for everything (`P2P_HOME`), the directories of a user (XDG Base Directory
/// Specification), and those of the system, for a supervisor run by root. It computes paths and touches no file.
package struct Layout: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// Everything below one directory, set by `P2P_HOME` or `--home`.
    case home
    /// The XDG directories of the caller.
    case user
    /// `/etc`, `/var` and `/run`.
    case system
  }

  package let kind: Kind
  /// `p2p.toml`, read by the supervisor alone.
  package let configurationFile: String
  /// Contains one directory for each peer.
  package let stateDirectory: String
  /// Contains the control sockets; in the system's layout one directory with a socket for each peer.
  package let runDirectory: String
  package let logDirectory: String
  private let downloadsDirectory: String

  /// Everything below one directory.
  /// - Parameter home: an absolute path.
  package init(home: String) {
    let home = Self.trimmed(home)
    kind = .home
    configurationFile = "\(home)/config/p2p.toml"
    stateDirectory = "\(home)/state"
    runDirectory = "\(home)/run"
    logDirectory = "\(home)/log"
    downloadsDirectory = "\(home)/downloads"
  }

  /// The directories of a user. Without `XDG_RUNTIME_DIR` the sockets are below the state directory, never in `/tmp`. Relative
  /// values are ignored, as the specification requires.
  /// - Returns: `nil` if neither `HOME` nor the XDG variables are set.
  package init?(userEnvironment environment: (String) -> String?) {
    func directory(_ variable: String) -> String? {
      environment(variable).flatMap { $0.beginsWithSlash ? Self.trimmed($0) : nil }
    }
    let home = directory("HOME")
    guard let configuration = directory("XDG_CONFIG_HOME") ?? home.map({ "\($0)/.config" }),
      let state = directory("XDG_STATE_HOME") ?? home.map({ "\($0)/.local/state" }),
      let data = directory("XDG_DATA_HOME") ?? home.map({ "\($0)/.local/share" })
    else { return nil }
    kind = .user
    configurationFile = "\(configuration)/p2p/p2p.toml"
    stateDirectory = "\(state)/p2p"
    runDirectory = directory("XDG_RUNTIME_DIR").map { "\($0)/p2p" } ?? "\(state)/p2p/run"
    logDirectory = "\(state)/p2p/log"
    downloadsDirectory = "\(data)/p2p/downloads"
  }

  /// The directories of the system.
  package static let system = Layout()

  private init() {
    kind = .system
    configurationFile = "/etc/p2p/p2p.toml"
    stateDirectory = "/var/lib/p2p"
    runDirectory = "/run/p2p"
    logDirectory = "/var/log/p2p"
    downloadsDirectory = "/var/lib/p2p"
  }

  /// Directories with keys, catalogues, sockets, logs and settings: nothing in them is shared.
  package var privateDirectories: [String] {
    [stateDirectory, runDirectory, logDirectory] + (configurationFile.parent.map { [$0] } ?? [])
  }

  package var supervisorSocket: String { "\(runDirectory)/supervisor.sock" }

  /// The control socket of the served index, for the operator of a closed network.
  package var indexSocket: String {
    kind == .system ? "\(runDirectory)/index/control.sock" : "\(runDirectory)/index.sock"
  }

  package func state(of peer: PeerName) -> String { "\(stateDirectory)/\(peer)" }

  /// The key of the served index.
  package var indexState: String { "\(stateDirectory)/index" }

  /// The supervisor's own state: its lock, the record of its children, remembered ports and flags.
  package var supervisorState: String { "\(stateDirectory)/supervisor" }

  /// Locked by the supervisor while it runs; contains its pid.
  package var supervisorLock: String { "\(supervisorState)/lock" }

  package func controlSocket(of peer: PeerName) -> String {
    kind == .system ? "\(runDirectory)/\(peer)/control.sock" : "\(runDirectory)/\(peer).sock"
  }

  package func downloads(of peer: PeerName) -> String {
    kind == .system ? "\(downloadsDirectory)/\(peer)/downloads" : "\(downloadsDirectory)/\(peer)"
  }

  /// - Parameter process: `index`, `supervisor` or the name of a peer.
  package func log(of process: String) -> String { "\(logDirectory)/\(process).log" }

  private static func trimmed(_ path: String) -> String {
    String(path.withoutTrailingSlashes)
  }
}

extension Layout {
  /// The layouts in which a front end searches, in order: only `P2P_HOME` if it is set; only the system's for root; else the
  /// user's, then the system's. A supervisor started by the caller uses the first one.
  /// - Parameter workingDirectory: resolves a relative `P2P_HOME`.
  package static func candidates(
    environment: (String) -> String?, isRoot: Bool, workingDirectory: @autoclosure () -> String?
  ) -> [Layout] {
    if let home = environment("P2P_HOME"), !home.isEmpty {
      if home.beginsWithSlash { return [Layout(home: home)] }
      return workingDirectory().map { [Layout(home: "\(trimmed($0))/\(home)")] } ?? []
    }
    if isRoot { return [.system] }
    return (Layout(userEnvironment: environment).map { [$0] } ?? []) + [.system]
  }
}

extension Layout {
  /// The first environment variable that decides the places and is not UTF-8, with its value as `TextRules.shown` writes it.
  /// Paths travel as JSON, so nothing can be done there.
  /// - Parameter value: the bytes of a variable.
  package static func unreadableVariable(
    isRoot: Bool, value: (String) -> [UInt8]?
  ) -> (name: String, value: String)? {
    let names: [String]
    if let home = value("P2P_HOME"), !home.isEmpty {
      names = ["P2P_HOME"]
    } else {
      let directories = ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"]
      let isHomeUsed = !directories.allSatisfy { value($0)?.first == UInt8(ascii: "/") }
      names = isRoot ? [] : directories + ["XDG_RUNTIME_DIR"] + (isHomeUsed ? ["HOME"] : [])
    }
    for name in names {
      if let bytes = value(name), String(validating: bytes, as: UTF8.self) == nil {
        return (name, TextRules.shown(bytes))
      }
    }
    return nil
  }
}

extension PeerName {
  /// The name of a user's peer: the login name, with `_` for characters that a peer name must not contain.
  ///
  /// Users that are not in /etc/passwd get their name from `LOGNAME` or `USER`.
  package static func ofUser(uid: UInt32, in users: UserDatabase, environment: (String) -> String?) -> PeerName? {
    let login = users.user(id: uid)?.name ?? environment("LOGNAME") ?? environment("USER")
    guard let login, !login.isEmpty else { return try? PeerName("user\(uid)") }
    let allowed = login.unicodeScalars.prefix(maximumLength).map { scalar -> Character in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "_", ".", "-": Character(scalar)
      default: "_"
      }
    }
    var text = String(allowed)
    if text.hasPrefix(".") || text.hasPrefix("-") { text = "_" + text.dropFirst() }
    return (try? PeerName(text)) ?? (try? PeerName("\(text)_"))
  }

  /// The name of the caller's peer.
  package static func ofCurrentUser() -> PeerName? {
    ofUser(uid: getuid(), in: .current()) { name in getenv(name).map { String(cString: $0) } }
  }
}
