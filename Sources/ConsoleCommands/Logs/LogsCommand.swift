// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON

struct LogsCommand: ConsoleCommand {
  static let example = "logs -f alice"
  static let configuration: CommandConfiguration = .verb(
    "logs", "Show the logs of the processes.",
    """
    Without a name, shows the lines of all processes in chronological order, each preceded by its process. Reads the \
    files that the supervisor writes, so no daemon has to be running.
    """)

  private static let maxLines = 100_000
  /// The pause between two checks for new lines.
  private static let interval = Duration.milliseconds(200)

  @Argument(help: ArgumentHelp("The process: supervisor, index or a peer.", valueName: "process"))
  var name: String?

  @Flag(name: .shortAndLong, help: "Keep printing new lines until Ctrl-C.")
  var follow = false

  @Option(
    name: [.customShort("n"), .long], help: ArgumentHelp("Number of lines to show.", valueName: "number"),
    transform: { try TypedNumber.parse($0, in: 0...LogsCommand.maxLines) })
  var lines = 20

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    if name != nil, daemon.peer != nil {
      throw ValidationError("specify the process either by name or with --peer")
    }
  }

  func perform(on console: Console) throws -> ExitStatus {
    let only = name ?? (daemon.peer ?? daemon.socket.flatMap { SocketSearch.peer(at: $0) })?.text
    var reader = try LogReader(try LogDirectory.find(daemon, on: console), only: only)
    try write(reader.last(lines, includesPartial: !follow), of: reader, on: console)
    guard follow else { return .done }
    while true {
      try console.flush()
      try console.pause(Self.interval)
      try write(reader.added(), of: reader, on: console)
    }
  }

  private func write(_ lines: [LogLine], of reader: LogReader, on console: Console) throws {
    let processes = reader.processes
    let width = processes.map(\.count).max() ?? 0
    for line in lines {
      if daemon.json {
        try console.writeJSON(Self.members(of: line))
      } else if processes.count > 1 {
        let padding = String(repeating: " ", count: max(0, width - line.process.count))
        try console.writeLine(console.style.bold(line.process) + padding + "  " + Self.shown(line))
      } else {
        try console.writeLine(Self.shown(line))
      }
    }
  }

  private static func shown(_ line: LogLine) -> String {
    line.text.split(separator: "\t", omittingEmptySubsequences: false)
      .map { TextRules.escapedForTerminal(String($0)) }.joined(separator: "\t")
  }

  private static func members(of line: LogLine) -> JSONMembers {
    var members: JSONMembers = ["process": .string(line.process)]
    if let time = line.time { members["time"] = .string(time.text) }
    if let level = line.level { members["level"] = .string(level) }
    // The only character that control planes exclude from JSON strings.
    members["line"] = .string(line.text.replacing("\u{0}", with: "\u{FFFD}"))
    return members
  }
}
