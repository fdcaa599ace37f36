// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct AddCommand: ConsoleCommand {
  static let example = "add rfc793.txt paper.pdf      # shares rfc/793 and file/paper.pdf"
  static let configuration: CommandConfiguration = .verb(
    "add", "Share files.",
    """
    rfcNNN.txt becomes rfc/NNN, with the title read from its text; any other file becomes file/NAME. All paths are \
    checked before hashing starts: if one is bad, nothing is added. Returns when the files are recorded and the index \
    has acknowledged them. If no index is reachable, they are announced as soon as one is.
    """)

  @Argument(help: ArgumentHelp("The files to share.", valueName: "file"), completion: .file())
  var files: [String]

  @Flag(name: .shortAndLong, help: "Share all files below the given directories, as file/DIR/PATH.")
  var recursive = false

  @Option(help: "The key of a single file, or collection/prefix/ for several files.")
  var key: String?

  @Option(help: "The title of a single file.")
  var title: String?

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    let isSingle = files.count == 1 && !recursive
    if title != nil, !isSingle { throw ValidationError("--title applies to a single file only") }
    if let key, !key.hasSuffix("/"), !isSingle {
      throw ValidationError("--key names a single file; for several files use a prefix that ends in /")
    }
    do throws(InvalidValue) {
      // A prefix is valid if a name appended to it makes a key.
      if let key { _ = try DocumentKey(normalizing: key.hasSuffix("/") ? key + "1" : key) }
    } catch {
      throw ValidationError("--key: \(error.reason)")
    }
  }

  var interruption: String? { "files that were listed are shared, the others are not" }

  func perform(on console: Console) throws -> ExitStatus {
    let paths = try absolutePaths(on: console)
    var progressLine = console.progressLine()
    var request = AddFiles(paths: paths, recursive: recursive, progress: progressLine != nil)
    request.key = try key.map(normalizedKey)
    request.title = title.map { Title(normalizing: $0) }
    var table = Table(
      [Table.Column("KEY"), Table.Column("SIZE", .right), Table.Column("TITLE", isFlexible: true)],
      width: console.tableWidth, hasTitles: false)
    var problems = [PathProblem]()
    // Also after a failure: what was added stays shared.
    defer { try? console.write(table.finish()) }
    // Hashing a large file may be silent for any length of time.
    let reply = try DaemonClient(console: console, options: daemon).request(
      .add(request), for: ControlAddReply.self, timeout: nil
    ) { event in
      switch event {
      case .hashing(let progress):
        let label = progress.files > 1 ? "[\(progress.file)/\(progress.files)] " : ""
        console.show(
          &progressLine, label: label + lastSegment(progress.path), done: progress.done, total: progress.total)
      case .added(let document, let path):
        console.clear(&progressLine)
        try write(document, path, &table, on: console)
      case .failed(let problem):
        problems.append(problem)
        guard !daemon.json else { return }
        console.clear(&progressLine)
        console.noteLine(
          "p2pctl: \(TextRules.escapedForTerminal(problem.path)): \(TextRules.escapedForTerminal(problem.message))")
      default: break
      }
    }
    console.clear(&progressLine)
    try console.write(table.finish())
    return try finish(reply, problems, on: console)
  }

  private func finish(_ reply: ControlAddReply, _ problems: [PathProblem], on console: Console) throws -> ExitStatus {
    if daemon.json { try console.writeJSON(reply.members) }
    if !reply.announced {
      console.noteLine("The index is unreachable. The files are recorded and will be announced when it is back.")
    }
    guard reply.failed == 0 else {
      let message = "\(Quantity.count(reply.failed, "file")) could not be shared"
      if daemon.json { throw CommandFailure(WireFailure(.noInput, message, paths: problems)) }
      console.noteLine("\(message), see above.")
      return .noInput
    }
    return .done
  }

  private func write(_ document: Document, _ path: String, _ table: inout Table, on console: Console) throws {
    if daemon.json {
      var row = DocumentFormat.members(of: document)
      row["path"] = .string(path)
      try console.writeJSON(row)
    } else {
      try console.write(
        table.add([document.key.text, Quantity.size(document.content.size), document.title.text]))
    }
  }

  /// Makes all paths absolute; the failure names every invalid one.
  private func absolutePaths(on console: Console) throws -> [String] {
    var paths = [String]()
    var problems = [CommandFailure]()
    for file in files {
      do throws(CommandFailure) {
        paths.append(try console.absolutePath(file, orFail: .noInput))
      } catch {
        problems.append(error)
      }
    }
    guard let first = problems.first else { return paths }
    guard problems.count > 1 else { throw first }
    throw CommandFailure(.noInput, "nothing was added", problems.map(\.message))
  }

  private func normalizedKey(_ typed: String) throws -> String {
    typed.hasSuffix("/") ? TextRules.normalized(typed) : try DocumentKey(normalizing: typed).text
  }

  private func lastSegment(_ path: String) -> String {
    String(path.split(separator: "/").last ?? "/")
  }
}

struct RemoveCommand: ConsoleCommand {
  static let example = "remove file/paper.pdf"
  static let configuration: CommandConfiguration = .verb("remove", "Stop sharing a document. The file itself is kept.")

  @Argument(help: "The key, as collection/name.", transform: DocumentKey.typed)
  var key: DocumentKey

  @Option(help: ArgumentHelp("Only the content whose id starts with this.", valueName: "prefix"))
  var content: String?

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    let reply: ControlRemoveReply
    do {
      reply = try DaemonClient(console: console, options: daemon).request(
        .remove(RemoveDocument(key: key, content: content)))
    } catch let failure as CommandFailure {
      throw KeySuggestions(console: console, options: daemon).improved(failure, key: key, mine: true)
    }
    if daemon.json {
      try console.writeJSON(["key": .string(key.text), "removed": .integer(Int64(reply.removed))])
    } else {
      try console.writeLine(TextRules.escapedForTerminal("\(key) is no longer shared"))
    }
    return reply.removed > 0 ? .done : .notFound
  }
}
