// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import ProcessSupport
import WireProtocol

/// Looks up the words that can complete the typed one. The user is waiting with a finger on the key, so a missing or slow
/// answer means no candidates, silently.
struct CompletionCandidates {
  /// Typing the collection narrows longer lists down.
  static let maxCandidates = 1_000
  private static let timeout = Duration.seconds(1)

  let console: Console
  /// Selects the daemon to ask.
  let options: DaemonOptions
  /// The value of `--home`, which selects a supervisor.
  var home: String?

  /// - Parameters:
  ///   - console: of the command or shell that asks.
  ///   - options: the default daemon.
  ///   - words: the line, whose own options take precedence.
  init(console: Console, options: DaemonOptions, words: [String]) {
    func value(_ name: String) -> String? {
      guard let index = words.lastIndex(where: { $0 == name || $0.hasPrefix("\(name)=") }) else { return nil }
      let word = words[index]
      if word != name { return String(word.dropFirst(name.count + 1)) }
      return words.indices.contains(index + 1) ? words[index + 1] : nil
    }
    self.console = console
    home = value("--home")
    var options = options
    if let name = value("--peer"), let peer = try? PeerName(name) { (options.peer, options.socket) = (peer, nil) }
    if let socket = value("--socket") { (options.peer, options.socket) = (nil, socket) }
    self.options = options
  }

  /// The complete words that start with `typed`. File names are not included; the caller finds them.
  func words(_ completion: Completion, typed: String) -> [Completion.Word] {
    guard typed.hasPrefix(completion.prefix) else { return [] }
    let rest = String(typed.dropFirst(completion.prefix.count))
    return found(completion.kind, rest).filter { PartialLine.begins($0.text, with: rest) }
      .map { Completion.Word(completion.prefix + $0.text, help: $0.help) }
  }

  private func found(_ kind: Completion.Kind, _ typed: String) -> [Completion.Word] {
    switch kind {
    case .words(let words): words
    case .keys(let mine): keys(typed, mine)
    case .peers: peers()
    case .downloads: downloads()
    case .ownPeers:
      console.environment.layouts.flatMap { console.socketSearch.peersOfCaller(in: $0) }.map { .init($0.text) }
    case .processes: processes()
    case .logs: logs()
    case .files, .directories, .nothing: []
    }
  }

  // MARK: Asking

  /// One level of keys: a candidate stops at the next slash. A bare number is completed as the number of an RFC.
  private func keys(_ typed: String, _ mine: Bool) -> [Completion.Word] {
    let isNumber = !typed.isEmpty && typed.utf8.allSatisfy { (0x30...0x39).contains($0) }
    let prefix = TextRules.normalized(isNumber ? "rfc/\(typed)" : typed)
    let parts = prefix.segments(omittingEmpty: false)
    if parts.count > 1, !DocumentKey.isCollection(parts[0]) { return [] }
    var keys = [Completion.Word]()
    let request = ListDocuments(prefix: prefix, level: true, limit: Self.maxCandidates, mine: mine)
    ask(.list(request), for: ControlListReply.self) { event in
      let word: Completion.Word
      switch event {
      case .document(let listed, _): word = .init(listed.document.key.text, help: listed.document.title.text)
      case .level(let below): word = .init(below.prefix, help: Quantity.count(below.documents, "document"))
      default: return
      }
      let text = isNumber ? String(word.text.dropFirst(4)) : word.text
      if keys.last?.text != text { keys.append(.init(text, help: word.help)) }
    }
    return keys
  }

  private func peers() -> [Completion.Word] {
    var peers = [Completion.Word]()
    ask(.peers(limit: Self.maxCandidates), for: ControlPeersReply.self) { event in
      guard case .peer(let peer) = event, !peers.contains(where: { $0.text == peer.name.text }) else { return }
      peers.append(.init(peer.name.text, help: Quantity.count(peer.documents, "document")))
    }
    return peers
  }

  private func downloads() -> [Completion.Word] {
    var downloads = [Completion.Word]()
    ask(.transfers(ListTransfers(limit: Self.maxCandidates)), for: ControlTransfersReply.self) { event in
      guard case .transfer(let transfer) = event, transfer.direction == .download else { return }
      downloads.append(.init("\(transfer.id)", help: transfer.name ?? ""))
    }
    return downloads
  }

  private func processes() -> [Completion.Word] {
    let running = try? SupervisorClient(console: console, home: home).processes(timeout: Self.timeout)
    return (running ?? []).filter { $0.role != .supervisor }.map { .init($0.name, help: $0.state) }
  }

  private func logs() -> [Completion.Word] {
    let names = try? LogDirectory.find(options, on: console).processes()
    return (names ?? []).map { .init($0) }
  }

  private func ask<Reply: WireReply>(
    _ request: ControlRequest, for type: Reply.Type, onEvent: (ControlEvent) throws -> Void
  ) {
    var daemon = DaemonClient(console: console, options: options, offersStart: false)
    daemon.explains = false
    _ = try? daemon.request(request, for: type, timeout: Self.timeout, onEvent: onEvent)
  }
}
