// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import Glibc
import LineJSON
import WireProtocol

struct WatchCommand: ConsoleCommand {
  static let example = "watch data/cats/"
  static let configuration: CommandConfiguration = .verb(
    "watch", "Print what changes in what the network shares.",
    """
    A document appears with its first holder, is updated when its title or date changes, and is gone with its last holder. \
    What is there already is not printed: p2pctl list shows it. A key watches that document; a bare number N means rfc/N. \
    A word that ends in / is the beginning of keys. Other words are searched for as in list; without words, everything is \
    watched.

    Prints a line for each change until Ctrl-C. With --json, {"event":"overflow"} means that changes were missed.
    """)

  @Argument(help: ArgumentHelp("A key, the beginning of keys, or words to search for.", valueName: "words"))
  var words: [String] = []

  @Option(help: ArgumentHelp("End after this many lines.", valueName: "number"), transform: TypedNumber.rows)
  var count: Int?

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    // Probably an empty variable: the whole network is not what was asked for.
    if !words.isEmpty, words.allSatisfy({ $0.allSatisfy(\.isWhitespace) }) {
      throw ValidationError("nothing to watch for; without arguments, watch shows all changes")
    }
  }

  /// Enough lines were printed.
  private struct Finished: Error {}

  /// Between two tries to reach a daemon that was lost.
  private static let pause = Duration.seconds(1)

  func perform(on console: Console) throws -> ExitStatus {
    let filter = WatchPlan.filter(for: words)
    var hasBegun = false
    var isLost = false
    var left = count ?? .max
    func printed() throws {
      try console.flush()
      left -= 1
      if left == 0 { throw Finished() }
    }
    while true {
      do {
        let client = DaemonClient(
          console: console, options: daemon, offersStart: !hasBegun, endsWithReader: true)
        _ = try client.request(.watch(filter), for: ControlWatchReply.self, timeout: nil) { event in
          switch event {
          case .changed(let change, let document, _):
            if daemon.json {
              try console.writeJSON(event.json.object ?? [:])
            } else {
              try console.write(ChangeLine.text(of: change, document, at: Self.clock(), width: console.tableWidth))
            }
            try printed()
          case .overflow:
            if daemon.json {
              try console.writeJSON(event.json.object ?? [:])
              try printed()
            } else {
              console.noteLine("Too much changed at once: some changes may be missing. Watching again.")
            }
          case .disconnected: console.noteLine("The connection to the index was lost; watching again.")
          case .current:
            if !hasBegun, !daemon.json { console.noteLine("Watching for changes; Ctrl-C ends this.") }
            (hasBegun, isLost) = (true, false)
          default: break
          }
        }
      } catch is Finished {
        return .done
      } catch let failure as CommandFailure where hasBegun && failure.mayPass {
        let reason =
          failure.wire.map { "The watch was interrupted: \($0.message)" } ?? "The connection to the daemon was lost"
        if !isLost { console.noteLine("\(reason); watching again.") }
        isLost = true
        try console.pause(Self.pause)
      }
    }
  }

  /// The time of day.
  private static func clock() -> String {
    var now = time(nil)
    var parts = tm()
    localtime_r(&now, &parts)
    return ChangeLine.clock(hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec))
  }
}

extension CommandFailure {
  /// Whether the daemon restarts or was lost, or has no connection to its index yet.
  fileprivate var mayPass: Bool {
    status == .unavailable && (wire == nil || wire?.code == .unavailable)
  }
}
