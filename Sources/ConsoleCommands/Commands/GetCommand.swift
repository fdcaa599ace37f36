// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct GetCommand: ConsoleCommand {
  static let example = "get rfc/793 -o /tmp/tcp.txt"
  static let configuration: CommandConfiguration = .verb(
    "get", "Fetch a document.",
    """
    Writes ./NAME (rfcN.txt for an RFC) unless -o is given. The file appears under its name only when it is complete, \
    verified and on disk. It is then shared, unless --no-share is given. With -o - or a pipe, the verified bytes go there \
    in order, and nothing is shared. A reader that closes the pipe pauses the download; the same get fetches only the rest.

    A download is a job of the daemon: it goes on after a lost connection, a closed terminal or a restart. Ctrl-C pauses \
    it, and the same get goes on from there. If no source is left, the job waits for one; see p2pctl transfers.

    Several keys, or a prefix, are fetched into a directory: that of -o, or the current one; of a prefix without -o, one \
    with its last name. What is there and right is kept, what is there and different is named. Run again, it fetches only \
    what is missing.
    """)

  @Argument(
    help: ArgumentHelp(
      "The key, as collection/name. One that ends in / stands for all documents below it.", valueName: "key"),
    transform: GetSubject.init)
  var keys: [GetSubject] = []

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp(
      "The file to write, or the directory to put it in; one that ends in / is made. - is standard output.",
      valueName: "path"),
    completion: .file())
  var output: String?

  @Option(help: ArgumentHelp("Download from this peer only: its name, or the start of its id.", valueName: "peer"))
  var from: String?

  @Option(
    help: ArgumentHelp(
      "The start of the content id, if the key has several contents; add :SIZE if only the size differs.",
      valueName: "prefix[:size]"))
  var content: String?

  @Flag(help: "If the key has several contents, fetch the one with the latest date.")
  var newest = false

  @Flag(help: "Replace a different existing file.")
  var force = false

  @Flag(help: "Do not share the file afterwards.")
  var noShare = false

  @Flag(help: "Print the number of the download and return at once.")
  var detach = false

  @Flag(help: "Wait until somebody shares it, too.")
  var wait = false

  @Option(
    help: ArgumentHelp(
      "high, normal or low: which of the queued downloads begins first. The same get changes it.",
      valueName: "priority"),
    completion: .list(["high", "normal", "low"]), transform: Self.priority)
  var priority: DownloadPriority?

  @Flag(help: "With --json: also print a line with the event progress whenever there is some.")
  var progress = false

  @Flag(help: "Do not set the modification time and the executable bit of the document.")
  var noPreserve = false

  @Flag(help: "Of a prefix: also fetch files and directories whose name begins with a dot.")
  var hidden = false

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    guard !keys.isEmpty else { throw ValidationError("Missing expected argument '<key> ...'") }
    if single == nil {
      if content != nil { throw ValidationError("--content applies to a single key") }
      if priority != nil { throw ValidationError("--priority applies to a single key") }
    } else if hidden {
      throw ValidationError("--hidden applies to a prefix")
    }
    if let content, !Self.isContentPrefix(content) {
      throw ValidationError("--content takes 1 to 64 digits of 0-9 and a-f, optionally followed by :SIZE")
    }
    if newest, content != nil { throw ValidationError("--newest and --content cannot be combined") }
    if progress, !daemon.json {
      throw ValidationError("--progress adds lines to --json; a terminal shows the progress in any case")
    }
    if progress, detach { throw ValidationError("--progress and --detach cannot be combined") }
    if detach, wait { throw ValidationError("--detach and --wait cannot be combined") }
    if let from, from.isEmpty { throw ValidationError("--from takes a name or the start of an id") }
  }

  private static func priority(_ text: String) throws -> DownloadPriority {
    guard let priority = DownloadPriority(word: text) else { throw InvalidValue("expected high, normal or low") }
    return priority
  }

  private var single: DocumentKey? {
    if case .key(let key)? = keys.first, keys.count == 1 { key } else { nil }
  }

  var interruption: String? {
    single.map { "\(TextRules.escapedForTerminal($0.text)): there was no download yet" }
  }

  func perform(on console: Console) throws -> ExitStatus {
    if let single { return try SingleGet(key: single, options: self).perform(on: console) }
    return try SeveralGet(options: self).perform(on: console)
  }

  private static func isContentPrefix(_ text: String) -> Bool {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let root = parts.first?.utf8, (1...64).contains(root.count) else { return false }
    return root.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
      && (parts.count == 1 || UInt64(parts[1]) != nil)
  }
}

/// What a user wants to fetch.
enum GetSubject: Equatable {
  case key(DocumentKey)
  /// Ends in a slash.
  case prefix(String)

  init(_ text: String) throws {
    guard text.endsInSlash else {
      self = .key(try DocumentKey.typed(text))
      return
    }
    let prefix = TextRules.normalized(text)
    guard (try? DocumentKey(normalizing: prefix + "1")) != nil else {
      throw InvalidValue("a prefix is collection/ or collection/name/, such as data/cats/")
    }
    self = .prefix(prefix)
  }
}
