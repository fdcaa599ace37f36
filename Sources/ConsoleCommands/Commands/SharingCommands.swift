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
    rfcNNN.txt becomes rfc/NNN with the title read from its text, anything else file/NAME. All paths are checked \
    before anything is hashed: one bad path adds nothing. Returns when the files are recorded and the index knows; \
    without an index they are announced as soon as there is one.
    """)

  @Argument(help: ArgumentHelp("What to share.", valueName: "file"), completion: .file())
  var files: [String]

  @Flag(name: .shortAndLong, help: "Share all files below directories, as file/DIR/PATH.")
  var recursive = false

  @Option(help: "The key of a single file, or collection/prefix/ for several.")
  var key: String?

  @Option(help: "The title of a single file.")
  var title: String?

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("name at least one file") }
    let isSingle = files.count == 1 && !recursive
    if title != nil, !isSingle { throw ValidationError("--title is for a single file") }
    if let key, !key.hasSuffix("/"), !isSingle {
      throw ValidationError("--key is for a single file; for several it is a prefix that ends with /")
    }
    do throws(InvalidValue) {
      // A prefix is right where a name behind it makes a key.
      if let key { _ = try DocumentKey(normalizing: key.hasSuffix("/") ? key + "1" : key) }
    } catch {
      throw ValidationError("--key: \(error.reason)")
    }
  }

  func perform(on console: Console) throws -> ExitStatus {
    let paths = try absolutePaths(on: console)
    var meter = console.meter()
    var request = AddFiles(paths: paths, recursive: recursive, progress: meter != nil)
    request.key = try key.map(normalizedKey)
    request.title = title.map { Title(normalizing: $0) }
    // Hashing takes as long as it takes.
    let reply = try DaemonClient(console: console, options: daemon).request(
      .add(request), for: ControlAddReply.self, timeout: nil
    ) { event in
      switch event {
      case .hashing(let progress):
        let label = progress.files > 1 ? "[\(progress.file)/\(progress.files)] " : ""
        console.show(&meter, label: label + lastSegment(progress.path), done: progress.done, total: progress.total)
      case .added(let document, let path):
        console.wipe(&meter)
        try write(document, path, on: console)
      case .failed(let problem):
        console.wipe(&meter)
        console.noteLine(
          "p2pctl: \(TextRules.escapedForTerminal(problem.path)): \(TextRules.escapedForTerminal(problem.message))")
      default: break
      }
    }
    console.wipe(&meter)
    return try finish(reply, on: console)
  }

  private func finish(_ reply: ControlAddReply, on console: Console) throws -> ExitStatus {
    if daemon.json { try console.writeJSON(reply.members) }
    if !reply.announced {
      console.noteLine("The index does not answer: what was added is kept, and announced when it is back.")
    }
    guard reply.failed == 0 else {
      console.noteLine("\(Quantity.count(reply.failed, "file")) could not be shared; see above.")
      return .noInput
    }
    return .done
  }

  private func write(_ document: Document, _ path: String, on console: Console) throws {
    if daemon.json {
      var row = DocumentFormat.members(of: document)
      row["path"] = .string(path)
      try console.writeJSON(row)
    } else {
      let title = document.title.text.isEmpty ? "" : "  \(document.title.text)"
      try console.writeLine(
        TextRules.escapedForTerminal("\(document.key)  \(Quantity.size(document.content.size))\(title)"))
    }
  }

  /// All of them, or a failure that names each one that cannot be a path.
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
  static let configuration: CommandConfiguration = .verb("remove", "Stop sharing a document. No file is deleted.")

  @Argument(help: "The key: collection/name.", transform: DocumentKey.typed)
  var key: DocumentKey

  @Option(help: ArgumentHelp("Only the content whose id begins so.", valueName: "prefix"))
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
