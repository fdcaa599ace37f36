// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupport

/// Reads the logs of one process, or of all merged into one.
struct LogReader {
  private let directory: LogDirectory
  /// The requested process; `nil` for all, including later ones.
  private let only: String?
  private var files: [(process: String, file: LogFile)] = []

  /// - Throws: `notFound` if the requested process has no log, `notPermitted` if this user must not read it.
  init(_ directory: LogDirectory, only: String?) throws {
    self.directory = directory
    self.only = only
    if let only, directory.forbids(only) { throw directory.forbidden("the log of \(only)", only: only) }
    let known = try directory.processes()
    if let only, !known.contains(only) { throw CommandFailure(unknown: only, known, directory) }
    let readable = known.filter { !directory.forbids($0) }
    // An empty page would hide that there is something.
    if let first = known.first, readable.isEmpty { throw directory.forbidden("the log of \(first)", only: nil) }
    for process in readable where only == nil || process == only { add(process) }
  }

  var processes: [String] { files.map(\.process) }

  private mutating func add(_ process: String) {
    files.append((process, LogFile(path: directory.layout.log(of: process))))
  }

  /// The last lines of all logs together.
  /// - Parameter includesPartial: see `LogFile.last`.
  func last(_ count: Int, includesPartial: Bool) -> [LogLine] {
    LogLine.merged(
      files.map { process, file in
        file.last(count, includesPartial: includesPartial).map { LogLine(process: process, text: $0) }
      }
    ).suffix(count)
  }

  /// The lines added since the last call, also by processes that had no log before.
  mutating func added() -> [LogLine] {
    if only == nil, let known = try? directory.processes() {
      let seen = Set(processes)
      for process in known where !seen.contains(process) && !directory.forbids(process) { add(process) }
    }
    return LogLine.merged(files.map { process, file in file.added().map { LogLine(process: process, text: $0) } })
  }
}

extension CommandFailure {
  fileprivate init(unknown name: String, _ known: [String], _ directory: LogDirectory) {
    let closest = ClosestWord.to(name, among: known).map { ["Did you mean: p2pctl logs \($0)"] } ?? []
    self.init(
      .notFound, "no log of \(TextRules.escapedForTerminal(CellWidth.cut(name, to: 60)))",
      closest
        + [
          known.isEmpty
            ? "There are no logs yet in \(TextRules.escapedForTerminal(directory.layout.logDirectory))"
            : "Logs: \(known.joined(separator: ", "))"
        ])
  }
}

/// The log directory of an installation.
struct LogDirectory {
  private static let suffix = ".log"

  let layout: Layout

  /// The log directory of the selected daemon: found by its socket, else by a supervisor or by existing logs.
  /// - Throws: `notFound` if there are no logs yet.
  static func find(_ options: DaemonOptions, on console: Console) throws -> LogDirectory {
    var layouts = console.environment.layouts
    guard let first = layouts.first else { throw CommandFailure(SocketSearch.Failure.nowhere) }
    if let socket = options.socket {
      layouts = SocketSearch.layouts(of: try console.absolutePath(socket, orFail: .usage), among: layouts)
    }
    let found =
      layouts.first { isThere($0.supervisorSocket) && console.socketSearch.serves($0) && isThere($0.logDirectory) }
      ?? layouts.first { isThere($0.logDirectory) }
    guard let found else {
      throw CommandFailure(
        .notFound, "there are no logs yet",
        [
          "They are written to \(TextRules.escapedForTerminal((layouts.first ?? first).logDirectory))",
          "Under systemd and in a container they are in its log instead: journalctl -u p2p (see [log] of the configuration)",
          "Start everything with: \(StartAdvice(console).command)",
        ])
    }
    return LogDirectory(layout: found)
  }

  /// The processes that have a log, sorted by name; at most 1,000.
  func processes() throws(CommandFailure) -> [String] {
    do throws(SystemError) {
      return try DirectoryNames.read(layout.logDirectory, max: 1_000, Self.process(of:)).sorted()
    } catch {
      let own = ownPeers
      guard own.isEmpty else { return own }
      throw unreadable(error)
    }
  }

  /// The peers whose logs this user may read in a directory that cannot be listed: that of a machine.
  private var ownPeers: [String] {
    guard layout.kind == .system else { return [] }
    return SocketSearch.peers(in: layout).map(\.text).filter { access(layout.log(of: $0), R_OK) == 0 }
  }

  private static func process(of file: [UInt8]) -> String? {
    let file = String(decoding: file, as: UTF8.self)
    guard file.hasSuffix(suffix) else { return nil }
    let name = String(file.dropLast(suffix.count))
    return isProcess(name) ? name : nil
  }

  private static func isProcess(_ name: String) -> Bool {
    ["index", "supervisor"].contains(name) || (try? PeerName(name)) != nil
  }

  private func unreadable(_ error: SystemError) -> CommandFailure {
    let path = TextRules.escapedForTerminal(layout.logDirectory)
    guard error.code == EACCES || error.code == EPERM else {
      return CommandFailure(.notFound, "cannot read \(path): \(error)")
    }
    return forbidden(path, only: nil)
  }

  /// Whether the log of a process is there, but not for this user. A directory that cannot be searched forbids all.
  func forbids(_ process: String) -> Bool {
    Self.isProcess(process) && access(layout.log(of: process), R_OK) != 0 && (errno == EACCES || errno == EPERM)
  }

  /// - Parameter only: the requested process.
  func forbidden(_ what: String, only: String?) -> CommandFailure {
    CommandFailure(
      .notPermitted, "permission denied reading \(what)",
      [
        layout.kind == .system
          ? "Only root may read it, you the log of your own peer: sudo p2pctl logs" + (only.map { " \($0)" } ?? "")
          : "Run this as its owner."
      ])
  }

  private static func isThere(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0
  }
}
