// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import WireProtocol

/// Options of all commands to the supervisor.
struct SupervisorOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where everything lies. Default: P2P_HOME, else your XDG directories (root: /etc/p2p, /run/p2p, /var/lib/p2p).",
      valueName: "dir"))
  var home: String?

  @Flag(help: "One JSON object on each line.")
  var json = false
}

extension SupervisorOptions {
  func write(_ processes: [ProcessStatus], on console: Console) throws {
    if json {
      for process in processes { try console.writeJSON(SupervisorText.members(of: process)) }
    } else {
      try console.write(SupervisorText.table(of: processes, width: console.tableWidth, style: console.style))
    }
  }
}
