// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupport
import WireProtocol

/// Sends requests to the daemon that the options select, and explains why it does not answer.
struct DaemonClient {
  /// The daemon waits 5 s for the index and 10 s for its answer, so it reports a failure before this ends.
  static let timeout = Duration.seconds(20)

  /// Short, because the user has already waited for the daemon.
  private static let supervisorTimeout = Duration.seconds(1)

  let console: Console
  let options: DaemonOptions
  /// Whether to offer the user to start a daemon if none is running.
  var offersStart = true
  /// Whether to ask the supervisor why a daemon does not answer.
  var explains = true
  /// Whether requests are of no use once the reader of standard output has gone: they then throw `OutputError.closed`.
  var endsWithReader = false

  /// Sends one request on a new connection.
  /// - Parameters:
  ///   - timeout: maximum silence between two lines; `nil` for work of unknown length.
  ///   - onQuiet: called after each second in which nothing came; its errors end the request.
  func request<Reply: WireReply>(
    _ request: ControlRequest, for type: Reply.Type = Reply.self, timeout: Duration? = timeout,
    onEvent: (ControlEvent) throws -> Void = { _ in }, onBytes: ([UInt8]) throws -> Void = { _ in },
    onQuiet: () throws(ControlError) -> Void = {}
  ) throws -> Reply {
    let socket = try find()
    let whom = socket.name.map { "the daemon of peer \($0)" } ?? "the daemon"
    do {
      var connection = try open(socket)
      if endsWithReader { connection.endWithReader(of: console.outputDescriptor) }
      if explains, !options.json, request.concernsOwnDocuments { show(connection.greeting.notices) }
      return try connection.request(
        request, timeout: timeout, onEvent: onEvent, onBytes: onBytes, onQuiet: onQuiet)
    } catch ControlError.outputClosed {
      throw OutputError.closed
    } catch let error as ControlError {
      throw explained(error, whom: whom, name: socket.name)
    } catch let declined as FirstRunPrompt.Declined {
      var failure = explained(declined.cause, whom: whom, name: socket.name)
      failure.endsSession = true
      throw failure
    }
  }

  /// Leaves out what has been put right since the daemon started: the file is gone.
  private func show(_ notices: [PathProblem]) {
    for notice in notices where access(notice.path, F_OK) == 0 {
      console.noteLine(
        TextRules.escapedForTerminal("warning: \(notice.message) (\(notice.path))"))
    }
  }

  private func open(_ socket: FoundSocket) throws -> ControlConnection {
    do throws(ControlError) {
      return try ControlConnection.open(socket.path, role: .peer, timeout: console.helloTimeout)
    } catch {
      guard offersStart, options.socket == nil, Self.isMissing(error),
        FirstRunPrompt.isDue(on: console, lookedAt: socket.path)
      else { throw error }
      guard try FirstRunPrompt.offer(on: console) else { throw FirstRunPrompt.Declined(cause: error) }
      return try ControlConnection.open(try find().path, role: .peer, timeout: console.helloTimeout)
    }
  }

  private static func isMissing(_ error: ControlError) -> Bool {
    switch error {
    case .noSocket, .refused: true
    default: false
    }
  }

  // MARK: Finding

  private func find() throws -> FoundSocket {
    if let path = options.socket {
      return FoundSocket(name: nil, path: try console.absolutePath(path, orFail: .usage))
    }
    do throws(SocketSearch.Failure) {
      return try console.socketSearch.controlSocket(of: options.peer)
    } catch {
      throw CommandFailure(error)
    }
  }

  // MARK: Explaining

  /// Adds what the supervisor knows about a daemon that does not answer.
  private func explained(_ error: ControlError, whom: String, name: PeerName?) -> CommandFailure {
    var failure = CommandFailure(error, whom: whom)
    let supervisor = SupervisorClient(console: console)
    let lockedHint = (try? supervisor.locked(after: error)).map {
      "\($0.name) is running: it makes missing sockets again. To end it: p2pctl supervisor stop"
    }
    if let lockedHint {
      failure.details.removeAll { $0 == CommandFailure.startHint }
      failure.details.append(lockedHint)
    }
    switch error {
    case .noSocket, .refused, .noAnswer, .closed:
      guard explains, options.socket == nil, let name,
        let processes = try? supervisor.processes(timeout: Self.supervisorTimeout)
      else {
        if case .noSocket = error, let name = options.peer { failure = withoutStart(of: name, failure) }
        break
      }
      if let process = processes.first(where: { $0.name == name.text }) {
        failure.details.removeAll { $0 == CommandFailure.startHint }
        failure.details.insert("the supervisor reports: \(ProcessFormat.state(of: process))", at: 1)
        if ["stopped", "parked"].contains(process.state) {
          failure.details.append("Start it with: \(StartAdvice(console).command("start", name.text))")
        }
      } else {
        let peers = processes.filter { $0.role == .peer }.map(\.name)
        // There is no such socket to be made again.
        failure.details.removeAll { $0 == CommandFailure.startHint || $0 == lockedHint }
        if peers.isEmpty {
          failure.details.append("The supervisor is running, but without a peer of yours.")
          if let layout = try? supervisor.layout() {
            failure.details.append(StartAdvice.adding(name, in: layout, on: console))
          }
        } else {
          let names = peers.map(TextRules.escapedForTerminal).joined(separator: ", ")
          failure.details.append("The supervisor runs: \(names). Select one with --peer.")
        }
      }
    default: break
    }
    return failure
  }
}

extension DaemonClient {
  private static let maxNamed = 10

  /// A start brings back the peers that were there: no other name.
  private func withoutStart(of name: PeerName, _ failure: CommandFailure) -> CommandFailure {
    let layouts = console.environment.layouts
    guard failure.details.contains(CommandFailure.startHint),
      !layouts.contains(where: { StartAdvice.exists($0.state(of: name)) })
    else { return failure }
    var failure = failure
    failure.details.removeAll { $0 == CommandFailure.startHint }
    let known = layouts.flatMap { layout in
      (try? DirectoryNames.read(layout.stateDirectory, max: 1_000) { bytes -> String? in
        (try? PeerName(String(decoding: bytes, as: UTF8.self)))
          .flatMap { StartAdvice.exists("\(layout.state(of: $0))/key.pem") ? $0.text : nil }
      }) ?? []
    }
    failure.details.append("No peer \(name) has run here. To run one: p2pctl supervisor start --peer \(name)")
    if !known.isEmpty {
      failure.details.append("Peers here: \(known.sorted().prefix(Self.maxNamed).joined(separator: ", "))")
    }
    return failure
  }
}

extension ControlRequest {
  /// Whether a user who asks this relies on the catalogue.
  fileprivate var concernsOwnDocuments: Bool {
    switch self {
    case .status, .add, .get, .remove: true
    case .list(let query): query.mine
    default: false
    }
  }
}

extension CommandFailure {
  init(_ failure: SocketSearch.Failure) {
    self =
      switch failure {
      case .severalPeers(let names):
        CommandFailure(
          .usage, "several peers are running, and none is named after you",
          ["Peers: \(names.map(\.text).joined(separator: ", "))", "Select one with --peer NAME."])
      case .nowhere:
        CommandFailure(
          .unavailable, "cannot locate the sockets: neither P2P_HOME nor HOME is set",
          ["Set one of them, or use --socket PATH."])
      }
  }
}
