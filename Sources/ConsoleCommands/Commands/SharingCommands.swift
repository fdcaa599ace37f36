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

    With -r, hidden names, symbolic links and mounted file systems are left out, and a summary names them. Files of \
    peers, indexes and supervisors of this system are never shared.
    """)

  @Argument(help: ArgumentHelp("The files to share.", valueName: "file"), completion: .file())
  var files: [String]

  @Flag(name: .shortAndLong, help: "Share all files below the given directories, as file/DIR/PATH.")
  var recursive = false

  @Flag(help: "With -r, also share names that begin with a dot.")
  var hidden = false

  @Flag(help: "With -r, also share what symbolic links lead to.")
  var follow = false

  @Option(
    help: ArgumentHelp(
      "With -r, leave out what matches this pattern: a name such as '*.o', or a path such as 'build/*.o'. Repeatable.",
      valueName: "glob"))
  var exclude: [String] = []

  @Option(help: "The key of a single file, or collection/prefix/ for several files.")
  var key: String?

  @Option(help: "The title of a single file.")
  var title: String?

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    guard recursive || !(hidden || follow) && exclude.isEmpty else {
      throw ValidationError("--hidden, --follow and --exclude apply to directories: add -r")
    }
    if exclude.contains(where: \.isEmpty) { throw ValidationError("--exclude takes a pattern") }
    let isSingle = files.count == 1 && !recursive
    if title != nil, !isSingle { throw ValidationError("--title applies to a single file only") }
    if let key, !key.endsInSlash, !isSingle {
      throw ValidationError("--key names a single file; for several files use a prefix that ends in /")
    }
    do throws(InvalidValue) {
      // A prefix is valid if a name appended to it makes a key.
      if let key { _ = try DocumentKey(normalizing: key.endsInSlash ? key + "1" : key) }
    } catch {
      throw ValidationError("--key: \(error.reason)")
    }
    do throws(InvalidValue) {
      // A title that is read from a file is cleaned; one that is typed is not changed silently.
      if let title { _ = try Title(TextRules.normalized(title)) }
    } catch {
      throw ValidationError("--title: \(error.reason)")
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
    (request.hidden, request.follow, request.exclude) = (hidden, follow, exclude)
    // Hashing a large file may be silent for any length of time.
    let reply = try DaemonClient(console: console, options: daemon).request(
      .add(request), for: ControlAddReply.self, timeout: nil,
      onEvent: { event in
        switch event {
        case .hashing(let progress):
          let label = progress.files > 1 ? "[\(progress.file)/\(progress.files)] " : ""
          console.show(
            &progressLine, label: label + lastSegment(progress.path), done: progress.done, total: progress.total)
        case .added(let document, let path):
          console.clearDrawn()
          try write(document, path, &table, on: console)
        case .failed(let problem):
          problems.append(problem)
          guard !daemon.json else { return }
          console.clearDrawn()
          console.noteLine(
            "p2pctl: \(TextRules.escapedForTerminal(problem.path)): \(TextRules.escapedForTerminal(problem.message))")
        default: break
        }
      }, onQuiet: { console.redraw(&progressLine) })
    console.clearDrawn()
    try console.write(table.finish())
    return try finish(reply, problems, on: console)
  }

  private func finish(_ reply: ControlAddReply, _ problems: [PathProblem], on console: Console) throws -> ExitStatus {
    if daemon.json { try console.writeJSON(reply.members) }
    // The JSON reply has both.
    for line in LeftOutSummary.lines(reply.leftOut) where !daemon.json { console.noteLine(line) }
    if reply.added == 0, reply.failed == 0, !daemon.json { console.noteLine("No files were found; nothing was added.") }
    if !reply.announced {
      console.noteLine(
        reply.error.map { "\(TextRules.escapedForTerminal($0)). The files are recorded and will be announced again." }
          ?? "The index is unreachable. The files are recorded and will be announced when it is back.")
    }
    guard reply.failed == 0 else {
      let message = "\(Quantity.count(reply.failed, "file")) could not be shared"
      if daemon.json { throw CommandFailure(WireFailure(.noInput, message, paths: problems)) }
      console.noteLine("\(message), see above.")
      return .noInput
    }
    guard reply.refused == 0 else {
      throw CommandFailure(
        .notPermitted,
        "the index does not permit this peer to add \(Quantity.count(reply.refused, "document")): "
          + "its role or a claim forbids it",
        [
          "The files are recorded, and tried again each minute: others see them once a publisher shares the same.",
          "Who has claimed a prefix lets others in: p2pctl network claim PREFIX --allow ID. All claims: "
            + "p2pctl network claim",
          "For a reader, an admin makes a ticket: p2pctl network invite --role publisher",
        ])
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
    typed.endsInSlash ? TextRules.normalized(typed) : try DocumentKey(normalizing: typed).text
  }

  private func lastSegment(_ path: String) -> String {
    String(path.segments().last ?? "/")
  }
}

/// Words for what an `add` did not take.
enum LeftOutSummary {
  /// One line for each reason: `Left out 3 hidden names (--hidden takes them): .git, .ssh, …`
  static func lines(_ leftOut: LeftOut) -> [String] {
    leftOut.groups.map { group in
      let names = group.paths.map(TextRules.escapedForTerminal).joined(separator: ", ")
      return "Left out \(what(group)): \(names)\(group.count > group.paths.count ? ", …" : "")"
    }
  }

  private static func what(_ group: LeftOut.Group) -> String {
    func count(_ one: String, _ many: String) -> String { group.count == 1 ? "1 \(one)" : "\(group.count) \(many)" }
    return switch LeftOut.Reason(rawValue: group.reason) {
    case .hidden: count("hidden name", "hidden names") + " (--hidden takes them)"
    case .excluded: count("name", "names") + " by --exclude"
    case .link: count("symbolic link", "symbolic links") + " (--follow takes what they lead to)"
    case .fileSystem: count("other file system", "other file systems") + " (add its directory to share it)"
    case .notAFile: count("entry", "entries") + " that are no regular files"
    case .state: count("private entry", "private entries") + " (keys, files of a peer, an index or a supervisor)"
    case .unfinished: count("unfinished download", "unfinished downloads")
    case .twice: count("directory", "directories") + " reached a second time"
    case .empty: count("empty directory", "empty directories")
    case nil: count("entry", "entries") + " (\(TextRules.escapedForTerminal(group.reason)))"
    }
  }
}

struct RemoveCommand: ConsoleCommand {
  static let example = "remove file/paper.pdf"
  static let configuration: CommandConfiguration = .verb(
    "remove", "Stop sharing documents, or with -r all documents below a prefix. The files themselves are kept.")

  @Argument(
    help: ArgumentHelp("The key, as collection/name; with -r a prefix, as collection/prefix/.", valueName: "key"))
  var keys: [String]

  @Flag(name: .shortAndLong, help: "Stop sharing all documents below the prefix.")
  var recursive = false

  @Option(help: ArgumentHelp("Only the content whose id starts with this.", valueName: "prefix"))
  var content: String?

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    guard content == nil || (!recursive && keys.count == 1) else {
      throw ValidationError("--content applies to a single key")
    }
    for key in keys {
      if recursive {
        guard key.endsInSlash else { throw ValidationError("-r takes a prefix that ends in /: \(key)/") }
        try check(key, key + "1")
      } else {
        guard !key.endsInSlash else {
          throw ValidationError("a key does not end in /; -r removes all documents below \(key)")
        }
        try check(key, key)
      }
    }
  }

  private func check(_ key: String, _ text: String) throws {
    do throws(InvalidValue) {
      _ = try DocumentKey(normalizing: text)
    } catch {
      throw ValidationError("The value '\(key)' is invalid for '<key>': \(error.reason)")
    }
  }

  /// One that fails leaves the others.
  func perform(on console: Console) throws -> ExitStatus {
    var status = ExitStatus.done
    for key in keys {
      do {
        let one = try remove(key, on: console)
        if one != .done { status = one }
      } catch let failure as CommandFailure where keys.count > 1 && failure.wire != nil {
        console.report(failure)
        status = failure.status
      }
    }
    return status
  }

  private func remove(_ key: String, on console: Console) throws -> ExitStatus {
    let client = DaemonClient(console: console, options: daemon)
    guard !recursive else {
      let prefix = TextRules.normalized(key)
      // Many documents take many transactions.
      let reply: ControlRemoveReply = try client.request(.remove(.prefix(prefix)), timeout: nil)
      return try finish(reply, prefix, "\(Quantity.count(reply.removed, "document")) below \(prefix)", on: console)
    }
    let key = try DocumentKey.typed(key)
    do {
      let reply: ControlRemoveReply = try client.request(.remove(.document(key, content: content)))
      return try finish(reply, key.text, key.text, on: console)
    } catch let failure as CommandFailure {
      throw KeySuggestions(console: console, options: daemon).improved(failure, key: key, mine: true)
    }
  }

  private func finish(
    _ reply: ControlRemoveReply, _ key: String, _ what: String, on console: Console
  ) throws -> ExitStatus {
    if daemon.json {
      try console.writeJSON(["key": .string(key), "removed": .integer(Int64(reply.removed))])
    } else {
      let verb = recursive && reply.removed != 1 ? "are" : "is"
      try console.writeLine(TextRules.escapedForTerminal("\(what) \(verb) no longer shared"))
    }
    return reply.removed > 0 ? .done : .notFound
  }
}
