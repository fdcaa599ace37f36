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
    in order, and nothing is kept or shared.

    A download is a job of the daemon: it goes on after a lost connection, a closed terminal or a restart. Ctrl-C pauses \
    it, and the same get goes on from there. If no source is left, the job waits for one; see p2pctl transfers.
    """)

  @Argument(help: "The key, as collection/name.", transform: DocumentKey.typed)
  var key: DocumentKey

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

  @Flag(help: "With --json: also print a line with the event progress whenever there is some.")
  var progress = false

  @Option(
    help: ArgumentHelp(
      "high, normal or low: which of the queued downloads begins first. The same get changes it.",
      valueName: "priority"),
    completion: .list(["high", "normal", "low"]), transform: Self.priority)
  var priority: DownloadPriority?

  @Flag(help: "Do not set the modification time and the executable bit of the document.")
  var noPreserve = false

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
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

  var interruption: String? {
    "\(TextRules.escapedForTerminal(key.text)): nothing was kept"
  }

  func perform(on console: Console) throws -> ExitStatus {
    guard let output else { return try save(to: try workingDirectory(console), on: console) }
    switch try OutputKind(output, on: console) {
    case .file(let path): return try save(to: .path(path), on: console)
    case .standardOutput where console.terminal.isOutput: return try stream(to: TerminalSink(console), on: console)
    case .standardOutput: return try stream(to: console, on: console)
    case .pipe(let path):
      let pipe = try PipeOutput(path)
      return try stream(to: pipe, on: console)
    }
  }

  private func save(to target: GetDocument.Target, on console: Console) throws -> ExitStatus {
    let reply = try fetch(to: target, on: console, showsProgress: !detach)
    if daemon.json {
      try console.writeJSON(reply.members)
    } else if let job = reply.job, reply.state != nil {
      try console.writeLine("\(job)")
      console.noteLine("\(TextRules.escapedForTerminal(key.text)) is being fetched: p2pctl transfers")
    } else {
      try console.writeLine(Self.summary(of: reply))
    }
    return .done
  }

  /// The bytes go to `sink`, and everything else to standard error.
  private func stream(to sink: some DocumentSink, on console: Console) throws -> ExitStatus {
    if detach { throw CommandFailure(.usage, "--detach needs a file: a stream ends with its reader") }
    if daemon.json { throw CommandFailure(.usage, "--json and a document cannot both go to standard output") }
    let reply: ControlGetReply
    do {
      reply = try fetch(to: .stream, on: console, showsProgress: !console.terminal.isOutput) {
        try sink.write(document: $0)
      }
      try console.flush()
    } catch OutputError.closed {
      throw CommandFailure(.cannotCreate, "the reader closed the output before the whole document was written")
    }
    console.noteLine(Self.summary(of: reply))
    return .done
  }

  private func fetch(
    to target: GetDocument.Target, on console: Console, showsProgress: Bool,
    onBytes: ([UInt8]) throws -> Void = { _ in }
  ) throws -> ControlGetReply {
    var progressLine = showsProgress && !progress ? console.downloadLine(of: key) : nil
    let isStream = target == .stream
    var request = GetDocument(
      key: key, target: target, from: from, content: content, newest: newest, force: force && !isStream,
      share: !noShare && !isStream, progress: progress || progressLine != nil)
    if !isStream {
      request.preserve = !noPreserve
      request.umask = console.environment.umask
    }
    (request.detach, request.wait, request.priority) = (detach, wait, priority)
    var waiting = WaitingGet()
    while true {
      do {
        request.rejoins = waiting.rejoining
        let reply = try ask(request, &waiting, &progressLine, on: console, onBytes: onBytes)
        console.clearDrawn()
        return reply
      } catch {
        if let job = waiting.job, Self.isInterruption(error) { throw try interrupted(job, on: console) }
        guard let failure = error as? CommandFailure else { throw error }
        // A killed daemon is soon back, and so is its download: the same request takes part in it.
        if !isStream, waiting.mayRetry(failure, at: console.now()) {
          do { try console.pause(Self.retryInterval) } catch ControlError.interrupted {
            throw try interrupted(waiting.job, on: console)
          }
          continue
        }
        console.clearDrawn()
        throw KeySuggestions(console: console, options: daemon).improved(failure.naming(key), key: key, from: from)
      }
    }
  }

  private static let retryInterval = Duration.milliseconds(200)

  private func ask(
    _ request: GetDocument, _ waiting: inout WaitingGet, _ progressLine: inout DownloadLine?, on console: Console,
    onBytes: ([UInt8]) throws -> Void
  ) throws -> ControlGetReply {
    // No timeout for a large file: the daemon fails the request if no source is left.
    try DaemonClient(console: console, options: daemon, offersStart: waiting.job == nil).request(
      .get(request), timeout: nil,
      onEvent: { event in
        switch event {
        case .job(let job): waiting.began(job)
        case .progress(let news) where progress:
          try console.writeJSON(members(of: news, job: waiting.job))
          try console.flush()
        case .progress(let news): console.show(news, on: &progressLine)
        default: break
        }
      }, onBytes: onBytes, onQuiet: { console.redraw(progressLine) })
  }

  /// `{"event":"progress","key":…,"job":…,"received":…}`
  private func members(of progress: DownloadProgress, job: DownloadJob?) -> JSONMembers {
    var members: JSONMembers = ["event": "progress", "key": .string(key.text)]
    if let job { members["job"] = .integer(job.job) }
    for member in progress.members { members[member.key] = member.value }
    return members
  }

  private static func isInterruption(_ error: any Error) -> Bool {
    if case .interrupted? = error as? ControlError { return true }
    guard let failure = error as? CommandFailure else { return false }
    return failure.status == .interrupted && failure.wire == nil
  }

  private static let pauseTimeout = Duration.seconds(5)

  /// Ctrl-C: pauses the download unless somebody else wants it.
  private func interrupted(_ job: DownloadJob?, on console: Console) throws -> CommandFailure {
    guard let job else { return .silent(.interrupted) }
    let name = TextRules.escapedForTerminal(key.text)
    var client = DaemonClient(console: console, options: daemon, offersStart: false)
    client.explains = false
    let pause = ControlRequest.pause(PauseDownloads(.job(job.job), waiter: job.waiter))
    let paused = try? client.request(pause, for: ControlDownloadsReply.self, timeout: Self.pauseTimeout).downloads
    guard paused == 1 else {
      return CommandFailure(
        .interrupted, "interrupted: download \(job.job) of \(name) goes on without this command",
        ["Pause it: p2pctl pause \(job.job)"])
    }
    return CommandFailure(
      .interrupted, "interrupted: download \(job.job) of \(name) is paused, and what was verified is kept",
      ["The same command goes on from there. Remove it: p2pctl cancel \(job.job)"])
  }

  /// `/tmp/rfc793.txt: 173.8 KiB from alice, bob in 0.31 s`
  private static func summary(of reply: ControlGetReply) -> String {
    var text = "\(reply.path == "-" ? reply.key.text : reply.path): \(Quantity.size(reply.content.size))"
    if !reply.sources.isEmpty {
      text += " from \(reply.sources.map(\.name).joined(separator: ", ")) in \(Quantity.duration(reply.seconds))"
    } else if reply.content.size > 0 {
      text += reply.job == nil || reply.received > 0 ? ", already present" : ", copied from another file here"
    }
    return TextRules.escapedForTerminal(text)
  }

  private func workingDirectory(_ console: Console) throws -> GetDocument.Target {
    .directory(try console.workingDirectory(orFail: .cannotCreate))
  }

  private static func isContentPrefix(_ text: String) -> Bool {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let root = parts.first?.utf8, (1...64).contains(root.count) else { return false }
    return root.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
      && (parts.count == 1 || UInt64(parts[1]) != nil)
  }
}

/// A `get` that waits for a download of the daemon.
private struct WaitingGet {
  /// How long a daemon may be away.
  private static let timeout = Duration.seconds(30)

  private(set) var job: DownloadJob?
  private(set) var rejoining: GetDocument.Rejoining?
  private var deadline: ContinuousClock.Instant?

  mutating func began(_ job: DownloadJob) {
    self.job = job
    if rejoining?.job != job.job { rejoining = .init(job: job.job, received: job.received) }
    deadline = nil
  }

  /// Whether to ask again: the connection was lost, or the daemon is not back yet.
  mutating func mayRetry(_ failure: CommandFailure, at now: ContinuousClock.Instant) -> Bool {
    guard job != nil else { return false }
    if let deadline { return failure.status == .unavailable && now < deadline }
    guard failure.isLostConnection else { return false }
    deadline = now + Self.timeout
    return true
  }
}
