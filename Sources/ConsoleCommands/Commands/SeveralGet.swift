// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import WireProtocol

/// Fetches prefixes and several keys into a directory.
struct SeveralGet {
  /// Failures that are printed one by one.
  private static let maxFailures = 20

  let options: GetCommand

  /// What became of all requests so far.
  fileprivate struct Totals {
    var reply = ControlGetAllReply()
    /// The exit status of the most serious failure.
    var status = ExitStatus.done
    var failures = 0
  }

  func perform(on console: Console) throws -> ExitStatus {
    if options.detach { return try detach(on: console) }
    var totals = Totals()
    for selection in selections {
      let reply = try fetch(selection, into: try directory(of: selection, on: console), &totals, on: console)
      totals.add(reply)
    }
    if totals.failures > Self.maxFailures {
      console.noteLine("… and \(totals.failures - Self.maxFailures) more failures")
    }
    if options.daemon.json {
      try console.writeJSON(totals.reply.members)
    } else {
      try console.writeLine(Self.summary(of: totals.reply))
    }
    return totals.status
  }

  /// Begins a download for each key and prefix, and prints its number.
  private func detach(on console: Console) throws -> ExitStatus {
    var totals = Totals()
    for selection in selections {
      let directory = try directory(of: selection, on: console)
      switch selection {
      case .prefix(let prefix):
        let reply = try fetch(selection, into: directory, &totals, on: console)
        guard !options.daemon.json else {
          try console.writeJSON(reply.members)
          continue
        }
        if let job = reply.job { try console.writeLine("\(job)") }
        console.noteLine("\(TextRules.escapedForTerminal(prefix)) is being fetched: p2pctl transfers")
      case .keys(let keys):
        for key in keys {
          do {
            try SingleGet(key: key, options: options).begin(in: directory, on: console)
          } catch let failure as CommandFailure where failure.wire != nil {
            totals.take(failure.status)
            console.noteLine(failure.message)
          }
        }
      }
    }
    return totals.status
  }

  /// All single keys are one request.
  private var selections: [GetDocuments.Selection] {
    var keys = [DocumentKey]()
    var prefixes = [GetDocuments.Selection]()
    for subject in options.keys {
      switch subject {
      case .key(let key): if !keys.contains(key) { keys.append(key) }
      case .prefix(let prefix): if !prefixes.contains(.prefix(prefix)) { prefixes.append(.prefix(prefix)) }
      }
    }
    return (keys.isEmpty ? [] : [.keys(keys)]) + prefixes
  }

  private func directory(of selection: GetDocuments.Selection, on console: Console) throws -> String {
    if let output = options.output {
      guard case .file(let path) = try OutputKind(output, on: console) else {
        throw CommandFailure(
          .usage, "several documents need a directory, not a stream",
          ["Name one that exists or is to be made: -o DIRECTORY"])
      }
      return path
    }
    let current = try console.workingDirectory(orFail: .cannotCreate)
    guard case .prefix(let prefix) = selection, let name = prefix.segments().last else { return current }
    return current == "/" ? "/\(name)" : "\(current)/\(name)"
  }

  // MARK: One request

  private func fetch(
    _ selection: GetDocuments.Selection, into directory: String, _ totals: inout Totals, on console: Console
  ) throws -> ControlGetAllReply {
    let label = if case .prefix(let prefix) = selection { prefix } else { "\(options.keys.count) keys" }
    var line = options.detach || options.progress ? nil : console.downloadLine(of: label)
    var request = GetDocuments(selection, directory: directory)
    (request.from, request.newest, request.force) = (options.from, options.newest, options.force)
    (request.share, request.preserve, request.hidden) = (!options.noShare, !options.noPreserve, options.hidden)
    (request.detach, request.wait, request.umask) = (options.detach, options.wait, console.environment.umask)
    (request.results, request.progress) = (options.daemon.json, options.progress || line != nil)
    var waiting = WaitingGet(isPatient: options.wait)
    var jobs: [Int64: DownloadJob] = [:]
    while true {
      do {
        if case .prefix = selection { request.rejoins = waiting.rejoining }
        let reply: ControlGetAllReply = try DaemonClient(
          console: console, options: options.daemon, offersStart: waiting.job == nil
        ).request(
          .getAll(request), timeout: nil,
          onEvent: { event in
            switch event {
            case .job(let job):
              waiting.began(job)
              jobs[job.job] = job
            case .progress(let news) where options.progress: try console.write(news, of: label, job: nil)
            case .progress(let news): console.show(news, on: &line)
            case .result(let result): try show(result, &totals, on: console)
            default: break
            }
          }, onQuiet: { console.redraw(line) })
        console.clearDrawn()
        return reply
      } catch {
        if WaitingGet.isInterruption(error) { throw interrupted(jobs, label, on: console) }
        guard let failure = error as? CommandFailure else { throw error }
        // A killed daemon is soon back, and so is its download: the same request takes part in it.
        guard waiting.mayRetry(failure, at: console.now()) else {
          console.clearDrawn()
          throw failure
        }
        do { try console.pause(WaitingGet.retryInterval) } catch ControlError.interrupted {
          throw interrupted(jobs, label, on: console)
        }
      }
    }
  }

  private func show(_ result: DocumentResult, _ totals: inout Totals, on console: Console) throws {
    if options.daemon.json { try console.writeJSON(result.members) }
    guard let error = result.error else { return }
    totals.failures += 1
    totals.note(error)
    guard !options.daemon.json, totals.failures <= Self.maxFailures else { return }
    console.clearDrawn()
    console.noteLine(TextRules.escapedForTerminal("\(result.key): \(result.message ?? error)"))
  }

  /// Ctrl-C: pauses each download that nobody else wants, and names it.
  private func interrupted(_ jobs: [Int64: DownloadJob], _ label: String, on console: Console) -> CommandFailure {
    let wait = EndedWait(console: console, options: options.daemon)
    var paused = [String](), others = [String]()
    for job in wait.unfinished(among: jobs.values.sorted { $0.job < $1.job }) {
      let name = "download \(job.job) (\(TextRules.escapedForTerminal(job.path)))"
      switch wait.pause(job) {
      case .paused: paused.append("paused: \(name)")
      case .goesOn, .unknown: others.append("goes on without this command: \(name)")
      case .ended: break
      }
    }
    return CommandFailure(
      .interrupted, "interrupted: what was fetched of \(TextRules.escapedForTerminal(label)) is kept",
      paused + others + ["The same command goes on from there."])
  }

  // MARK: The end

  /// `300 documents, 12.3 MiB: 250 fetched in 1.2 s, 48 already present, 2 failed`
  private static func summary(of reply: ControlGetAllReply) -> String {
    var parts = [String]()
    if reply.fetched > 0 { parts.append("\(reply.fetched) fetched in \(Quantity.duration(reply.seconds))") }
    if reply.present > 0 { parts.append("\(reply.present) already present") }
    if reply.failed > 0 { parts.append("\(reply.failed) failed") }
    if let state = reply.state, let job = reply.job {
      parts.append("download \(job) is \(TextRules.escapedForTerminal(state)) and goes on by itself")
    }
    let count = Quantity.count(Int(clamping: reply.documents), "document")
    return "\(count), \(Quantity.size(reply.bytes)): \(parts.joined(separator: ", "))"
  }
}

extension SeveralGet.Totals {
  fileprivate mutating func add(_ other: ControlGetAllReply) {
    reply.documents += other.documents
    reply.fetched += other.fetched
    reply.present += other.present
    reply.failed += other.failed
    reply.bytes += other.bytes
    reply.received += other.received
    reply.seconds += other.seconds
    (reply.job, reply.state) = (other.job ?? reply.job, other.state ?? reply.state)
    if let failure = other.failure {
      reply.failure = reply.failure ?? failure
      note(failure)
    }
  }

  /// What concerns the disk counts more than wrong bytes, these more than a missing source, and that more than the rest.
  fileprivate mutating func note(_ code: String) {
    take(ErrorCode(rawValue: code).map(ExitStatus.init) ?? .failed)
  }

  fileprivate mutating func take(_ new: ExitStatus) {
    let order: [ExitStatus] = [.cannotCreate, .verificationFailed, .unavailable, .notPermitted, .failed, .notFound]
    let rank = { (status: ExitStatus) in order.firstIndex(of: status) ?? order.count }
    if rank(new) < rank(status) { status = new }
  }
}
