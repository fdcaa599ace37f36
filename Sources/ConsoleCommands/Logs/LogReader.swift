// SPDX-License-Identifier: Apache-2.0

import DocumentModel
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
