// SPDX-License-Identifier: Apache-2.0

import ProcessSupport

/// What pages of the manual share.
enum ManualText {
  static func exitStatus(on page: inout ManualPage) {
    page.section("EXIT STATUS")
    for status in ExitStatus.allCases { page.item(ManualPage.bold(String(status.rawValue)), status.meaning) }
  }

  static func environment(on page: inout ManualPage) {
    page.section("ENVIRONMENT")
    page.item(ManualPage.bold("P2P_HOME"), "The one directory of everything: configuration, state, sockets, logs.")
    page.item(
      ManualPage.bold("XDG_CONFIG_HOME") + ", " + ManualPage.bold("XDG_STATE_HOME") + ", "
        + ManualPage.bold("XDG_DATA_HOME") + ", " + ManualPage.bold("XDG_RUNTIME_DIR"),
      "Where they lie without P2P_HOME.")
    page.item(ManualPage.bold("NO_COLOR"), "Where it is set and not empty, nothing is emphasised.")
    page.item(ManualPage.bold("TERM"), "Where it is empty or dumb, nothing is emphasised.")
  }

  /// By the very layouts that the programs use.
  static func places(on page: inout ManualPage) {
    let home = Layout(home: "$P2P_HOME")
    let user = Layout(userEnvironment: { "/$\($0)" })
    page.section("FILES")
    page.text("With P2P_HOME set, without it, and for root without it:")
    let rows: [(String, (Layout) -> String)] = [
      ("configuration", { $0.configurationFile }), ("state: a peer's key and catalogue", { $0.stateDirectory }),
      ("sockets", { $0.runDirectory }), ("logs", { $0.logDirectory }),
    ]
    for (name, path) in rows {
      let paths = [home, user, .system].compactMap { $0.map(path) }
      page.item(ManualPage.escaped(name), paths.map { $0.replacing("/$", with: "$") }.joined(separator: ", "))
    }
  }

  static func seeAlso(_ names: [String], on page: inout ManualPage) {
    page.section("SEE ALSO")
    page.text(names.map { "\($0)(1)" }.joined(separator: ", "))
  }
}
