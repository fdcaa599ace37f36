// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import ProcessSupport

/// The logs of one process or of all, as one.
struct LogReader {
  private let directory: LogDirectory
  /// The one that was asked for; `nil` for all that there are, and will be.
  private let only: String?
  private var files: [(process: String, file: LogFile)] = []

  /// - Throws: `notFound` where the one that is asked for has no log.
  init(_ directory: LogDirectory, only: String?) throws {
    self.directory = directory
    self.only = only
    let known = try directory.processes()
    if let only, !known.contains(only) { throw CommandFailure(unknown: only, known, directory) }
    for process in known where only == nil || process == only { add(process) }
  }

  var processes: [String] { files.map(\.process) }

  private mutating func add(_ process: String) {
    files.append((process, LogFile(path: directory.layout.log(of: process))))
  }

  /// The last lines of all.
  /// - Parameter isWhole: see `LogFile.last`.
  func last(_ count: Int, isWhole: Bool) -> [LogLine] {
    LogLine.merged(
      files.map { process, file in
        file.last(count, isWhole: isWhole).map { LogLine(process: process, text: $0) }
      }
    ).suffix(count)
  }

  /// What was added since, by processes too that had no log before.
  mutating func added() -> [LogLine] {
    if only == nil, let known = try? directory.processes() {
      let seen = Set(processes)
      for process in known where !seen.contains(process) { add(process) }
    }
    return LogLine.merged(files.map { process, file in file.added().map { LogLine(process: process, text: $0) } })
  }
}

extension CommandFailure {
  fileprivate init(unknown name: String, _ known: [String], _ directory: LogDirectory) {
    let closest = ClosestWord.to(name, among: known).map { ["Did you mean: p2pctl logs \($0)"] } ?? []
    self.init(
      .notFound, "there is no log of \(TextRules.escapedForTerminal(CellWidth.cut(name, to: 60)))",
      closest
        + [
          known.isEmpty
            ? "There are none yet in \(TextRules.escapedForTerminal(directory.layout.logDirectory))"
            : "There are: \(known.joined(separator: ", "))"
        ])
  }
}

/// Where the logs of an installation lie, and whose they are.
struct LogDirectory {
  private static let suffix = ".log"

  let layout: Layout

  /// That of the daemon which the options mean: by its socket, else where a supervisor or its logs are.
  /// - Throws: `notFound` where there are none yet.
  static func find(_ options: DaemonOptions, on console: Console) throws -> LogDirectory {
    var layouts = console.environment.layouts
    guard let first = layouts.first else { throw CommandFailure(SocketSearch.Failure.nowhere) }
    if let socket = options.socket {
      layouts = SocketSearch.layouts(of: try console.absolutePath(socket, orFail: .usage), among: layouts)
    }
    let found =
      layouts.first { isThere($0.supervisorSocket) && isThere($0.logDirectory) }
      ?? layouts.first { isThere($0.logDirectory) }
    guard let found else {
      throw CommandFailure(
        .notFound, "there are no logs yet",
        [
          "They would be in \(TextRules.escapedForTerminal((layouts.first ?? first).logDirectory))",
          CommandFailure.startHint,
        ])
    }
    return LogDirectory(layout: found)
  }

  /// Every process that has a log, sorted by name; at most 1,000.
  func processes() throws(CommandFailure) -> [String] {
    guard let directory = opendir(layout.logDirectory) else { throw unreadable(errno) }
    defer { closedir(directory) }
    var names = [String]()
    while names.count < 1_000, let entry = readdir(directory) {
      let file = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard file.hasSuffix(Self.suffix) else { continue }
      let name = String(file.dropLast(Self.suffix.count))
      if ["index", "supervisor"].contains(name) || (try? PeerName(name)) != nil { names.append(name) }
    }
    return names.sorted()
  }

  private func unreadable(_ number: Int32) -> CommandFailure {
    let path = TextRules.escapedForTerminal(layout.logDirectory)
    guard number == EACCES || number == EPERM else {
      return CommandFailure(.notFound, "cannot read \(path): \(SystemMessage.of(number))")
    }
    return CommandFailure(
      .notPermitted, "may not read \(path)",
      [
        layout.kind == .system
          ? "The logs of the system's supervisor are root's: sudo p2pctl logs" : "Ask as its owner."
      ]
    )
  }

  private static func isThere(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0
  }
}
