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

  /// Begins a download into a directory, which is made if it is missing.
  func begin(in directory: String, on console: Console) throws {
    _ = try save(to: .path(directory.endsInSlash ? directory : directory + "/"), on: console)
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
    let reply = try fetch(to: .stream, on: console, showsProgress: !console.terminal.isOutput, sink: sink)
    console.noteLine(Self.summary(of: reply))
    return .done
  }

  private func fetch(
    to target: GetDocument.Target, on console: Console, showsProgress: Bool, sink: (any DocumentSink)? = nil
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
    var waiting = WaitingGet(isPatient: options.wait)
    while true {
      do {
        request.rejoins = waiting.rejoining
        let reply = try ask(request, &waiting, &progressLine, on: console) {
          try sink?.write(document: $0)
          request.offset += Int64($0.count)
        } onQuiet: { () throws(ControlError) in
          if sink?.isClosed == true { throw .outputClosed }
        }
        if isStream { try console.flush() }
        console.clearDrawn()
        return reply
      } catch OutputError.closed where isStream {
        throw ended(waiting.job, isStream: true, .cannotCreate, "the reader closed the output", on: console)
      } catch {
        if WaitingGet.isInterruption(error) {
          throw ended(waiting.job, isStream: isStream, .interrupted, "interrupted", on: console)
        }
        guard let failure = error as? CommandFailure else { throw error }
        // A killed daemon is soon back, and so is its download: the same request takes part in it.
        if waiting.mayRetry(failure, at: console.now()) {
          do { try console.pause(WaitingGet.retryInterval) } catch ControlError.interrupted {
            throw ended(waiting.job, isStream: isStream, .interrupted, "interrupted", on: console)
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
    onBytes: ([UInt8]) throws -> Void, onQuiet: () throws(ControlError) -> Void
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
      }, onBytes: onBytes,
      onQuiet: { () throws(ControlError) in
        console.redraw(progressLine)
        try onQuiet()
      })
  }

  /// The command ends early: pauses the download unless somebody else wants it.
  private func ended(
    _ job: DownloadJob?, isStream: Bool, _ status: ExitStatus, _ cause: String, on console: Console
  ) -> CommandFailure {
    guard let job else { return status == .interrupted ? .silent(status) : CommandFailure(status, cause) }
    let download = "download \(job.job) of \(TextRules.escapedForTerminal(key.text))"
    switch (EndedWait(console: console, options: options.daemon).pause(job), isStream) {
    case (.goesOn, true): return CommandFailure(status, "\(cause): \(download) goes on for another reader")
    case (.goesOn, false), (.unknown, false):
      return CommandFailure(
        status, "\(cause): \(download) goes on without this command", ["Pause it: p2pctl pause \(job.job)"])
    case (.paused, _), (.unknown, true):
      return CommandFailure(
        status, "\(cause): \(download) is paused, and what was verified is kept",
        ["The same command goes on from there. Remove it: p2pctl cancel \(job.job)"])
    case (.ended, true): return CommandFailure(status, "\(cause): nothing was kept of \(download)")
    case (.ended, false): return CommandFailure(status, "\(cause): \(download) has ended")
    }
  }

  /// `/tmp/rfc793.txt: 173.8 KiB from alice, bob in 0.31 s`, or
  /// `/tmp/rfc793.txt: 173.8 KiB, already present, not shared in this network (p2pctl add shares it)`
  private static func summary(of reply: ControlGetReply) -> String {
    var text = "\(reply.path == "-" ? reply.key.text : reply.path): \(Quantity.size(reply.content.size))"
    if !reply.sources.isEmpty {
      text += " from \(reply.sources.map(\.name).joined(separator: ", ")) in \(Quantity.duration(reply.seconds))"
    } else if reply.content.size > 0 {
      text += reply.job == nil || reply.received > 0 ? ", already present" : ", copied from another file here"
    }
    if !reply.isShared { text += ", not shared in this network (p2pctl add shares it)" }
    return TextRules.escapedForTerminal(text)
  }

  private func workingDirectory(_ console: Console) throws -> GetDocument.Target {
    .directory(try console.workingDirectory(orFail: .cannotCreate))
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
