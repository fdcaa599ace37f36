// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import WireProtocol

/// Fetches one document into a file or to a reader.
struct SingleGet {
  let key: DocumentKey
  let options: GetCommand

  func perform(on console: Console) throws -> ExitStatus {
    guard let output = options.output else { return try save(to: try workingDirectory(console), on: console) }
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
    let reply = try fetch(to: target, on: console, showsProgress: !options.detach)
    if options.daemon.json {
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
    if options.detach { throw CommandFailure(.usage, "--detach needs a file: a stream ends with its reader") }
    if options.daemon.json { throw CommandFailure(.usage, "--json and a document cannot both go to standard output") }
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
    var progressLine = showsProgress && !options.progress ? console.downloadLine(of: key.text) : nil
    let isStream = target == .stream
    var request = GetDocument(
      key: key, target: target, from: options.from, content: options.content, newest: options.newest,
      force: options.force && !isStream,
      share: !options.noShare && !isStream, progress: options.progress || progressLine != nil)
    if !isStream {
      request.preserve = !options.noPreserve
      request.umask = console.environment.umask
    }
    (request.detach, request.wait, request.priority) = (options.detach, options.wait, options.priority)
    var waiting = WaitingGet()
    while true {
      do {
        request.rejoins = waiting.rejoining
        let reply = try ask(request, &waiting, &progressLine, on: console, onBytes: onBytes)
        console.clearDrawn()
        return reply
      } catch {
        if let job = waiting.job, WaitingGet.isInterruption(error) { throw try interrupted(job, on: console) }
        guard let failure = error as? CommandFailure else { throw error }
        // A killed daemon is soon back, and so is its download: the same request takes part in it.
        if !isStream, waiting.mayRetry(failure, at: console.now()) {
          do { try console.pause(WaitingGet.retryInterval) } catch ControlError.interrupted {
            throw try interrupted(waiting.job, on: console)
          }
          continue
        }
        console.clearDrawn()
        throw KeySuggestions(console: console, options: options.daemon).improved(
          failure.naming(key), key: key, from: options.from)
      }
    }
  }

  private func ask(
    _ request: GetDocument, _ waiting: inout WaitingGet, _ progressLine: inout DownloadLine?, on console: Console,
    onBytes: ([UInt8]) throws -> Void
  ) throws -> ControlGetReply {
    // No timeout for a large file: the daemon fails the request if no source is left.
    try DaemonClient(console: console, options: options.daemon, offersStart: waiting.job == nil).request(
      .get(request), timeout: nil,
      onEvent: { event in
        switch event {
        case .job(let job): waiting.began(job)
        case .progress(let news) where options.progress:
          try console.write(news, of: key.text, job: waiting.job)
        case .progress(let news): console.show(news, on: &progressLine)
        default: break
        }
      }, onBytes: onBytes, onQuiet: { console.redraw(progressLine) })
  }

  /// Ctrl-C: pauses the download unless somebody else wants it.
  private func interrupted(_ job: DownloadJob?, on console: Console) throws -> CommandFailure {
    guard let job else { return .silent(.interrupted) }
    let name = TextRules.escapedForTerminal(key.text)
    var client = DaemonClient(console: console, options: options.daemon, offersStart: false)
    client.explains = false
    let pause = ControlRequest.pause(PauseDownloads(.job(job.job), waiter: job.waiter))
    let paused = try? client.request(pause, for: ControlDownloadsReply.self, timeout: WaitingGet.pauseTimeout).downloads
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
}

/// A `get` that waits for a download of the daemon.
struct WaitingGet {
  static let retryInterval = Duration.milliseconds(200)
  static let pauseTimeout = Duration.seconds(5)
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

  /// Whether the user has interrupted the command, not the daemon the download.
  static func isInterruption(_ error: any Error) -> Bool {
    if case .interrupted? = error as? ControlError { return true }
    guard let failure = error as? CommandFailure else { return false }
    return failure.status == .interrupted && failure.wire == nil
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

extension Console {
  /// `{"event":"progress","key":…,"job":…,"received":…}`
  func write(_ progress: DownloadProgress, of key: String, job: DownloadJob?) throws {
    var members: JSONMembers = ["event": "progress", "key": .string(key)]
    if let job { members["job"] = .integer(job.job) }
    for member in progress.members { members[member.key] = member.value }
    try writeJSON(members)
    try flush()
  }
}
