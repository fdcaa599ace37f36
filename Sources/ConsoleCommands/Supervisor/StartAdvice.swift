// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
package import ProcessSupport

/// The command that starts an installation the way it was started before, for messages: any other could start a private
/// index and an empty peer.
package struct StartAdvice: Equatable {
  package var kind: Layout.Kind
  package var isRoot: Bool
  /// Whether systemd starts it.
  package var isService = false
  /// Whether `supervisor start` remembers its flags, or a configuration file exists.
  package var isRemembered = false
  /// Whether a supervisor has run here.
  package var hasRun = false
  /// The value of `--home`, escaped for the shell and the terminal.
  package var home: String?

  package init(kind: Layout.Kind, isRoot: Bool) {
    self.kind = kind
    self.isRoot = isRoot
  }

  /// `p2pctl supervisor start`, or what fits.
  package var command: String {
    if isService { return kind == .system ? "\(sudo)systemctl start p2p" : "systemctl --user start p2p" }
    let place = home.map { " --home \($0)" } ?? ""
    guard hasRun, !isRemembered else { return "\(sudo)p2pctl supervisor start\(place)" }
    return "\(sudo)p2p-supervisor run\(place), with the flags that it had before"
  }

  /// A command for one process of a running supervisor.
  package func command(_ verb: String, _ process: String) -> String {
    "\(sudo)p2pctl supervisor \(verb) \(process)" + (home.map { " --home \($0)" } ?? "")
  }

  private var stopCommand: String {
    guard isService else { return "\(sudo)p2pctl supervisor stop" }
    return kind == .system ? "\(sudo)systemctl stop p2p" : "systemctl --user stop p2p"
  }

  private var sudo: String { kind == .system && !isRoot ? "sudo " : "" }
}

extension StartAdvice {
  /// For the installation in which a front end looks for its daemons.
  /// - Parameter home: the value of `--home`.
  init(_ console: Console, home: String? = nil) {
    let environment = console.environment
    if let home, let path = try? console.absolutePath(home, orFail: .usage) {
      self.init(Layout(home: path), environment)
      self.home = TextRules.escapedForTerminal(ShellWords.escaped(home, in: nil))
      return
    }
    let layouts = environment.layouts
    let found = layouts.first { Self.isInstalled($0, environment) } ?? layouts.first
    self.init(found ?? .system, environment)
  }

  /// How to run a peer where a supervisor runs none: what it starts is decided at its start.
  static func adding(_ peer: PeerName, in layout: Layout, on console: Console) -> String {
    let advice = StartAdvice(layout, console.environment)
    if exists(layout.configurationFile) {
      return "To run one: add [peers.\(peer)] to \(TextRules.escapedForTerminal(layout.configurationFile)), then: "
        + "\(advice.stopCommand) && \(advice.command)"
    }
    guard !advice.isService, let remembered = try? RememberedStart.read(in: layout) else {
      return "To run one: \(advice.stopCommand), then start it as before, with --peer \(peer) beside its other flags"
    }
    let flags = RememberedStart(flags: remembered.flags + ["--peer", peer.text]).text
    return "To run one: \(advice.stopCommand) && p2pctl supervisor start \(flags)"
  }

  private init(_ layout: Layout, _ environment: Console.Environment) {
    self.init(kind: layout.kind, isRoot: environment.isRoot)
    isRemembered = Self.exists(layout.configurationFile) || Self.exists(RememberedStart.path(in: layout))
    hasRun = Self.exists(layout.supervisorLock)
    isService = Self.isService(layout.kind, environment)
  }

  /// The machine's installation is a user's own if it has a peer of theirs.
  private static func isInstalled(_ layout: Layout, _ environment: Console.Environment) -> Bool {
    switch layout.kind {
    case .home: true
    case .user:
      exists(layout.supervisorLock) || exists(layout.configurationFile) || exists(RememberedStart.path(in: layout))
    case .system: environment.isRoot || environment.user.map { exists(layout.state(of: $0)) } == true
    }
  }

  /// Whether a unit is enabled on a machine that systemd runs: sd_booted(3).
  private static func isService(_ kind: Layout.Kind, _ environment: Console.Environment) -> Bool {
    guard exists("/run/systemd/system") else { return false }
    switch kind {
    case .home: return false
    case .system: return exists("/etc/systemd/system/multi-user.target.wants/p2p.service")
    case .user:
      let configuration =
        environment.variable("XDG_CONFIG_HOME") ?? environment.variable("HOME").map { "\($0)/.config" }
      return ([configuration].compactMap { $0.map { "\($0)/systemd/user" } } + ["/etc/systemd/user"])
        .contains { exists("\($0)/default.target.wants/p2p.service") }
    }
  }

  /// Also a link without a target.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }
}
