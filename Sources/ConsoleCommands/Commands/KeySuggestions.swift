// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import WireProtocol

/// Suggests similar keys or peers after a "not found". It reads one page of a list, and only for a person at a terminal:
/// a program that tries many keys must not make the index list everything each time.
struct KeySuggestions {
  private static let page = 1_000
  private static let timeout = Duration.seconds(1)
  private static let maxSuggestions = 3

  let console: Console
  let options: DaemonOptions

  /// The same failure with suggestions before all other hints.
  func improved(_ failure: CommandFailure, key: DocumentKey, from: String? = nil, mine: Bool = false) -> CommandFailure
  {
    guard failure.status == .notFound, console.terminal.isErrors else { return failure }
    let near: [String]
    if let from, let holders = holders(of: key) {
      near = ClosestWord.nearest(to: from, among: holders, limit: Self.maxSuggestions).map { "--from \($0)" }
    } else {
      near = ClosestWord.nearest(to: key.text, among: keys(besides: key, mine), limit: Self.maxSuggestions)
        .map { ShellWords.escaped($0, in: nil) }
    }
    guard !near.isEmpty else { return failure }
    var failure = failure
    failure.details.insert("Did you mean: \(near.map(TextRules.escapedForTerminal).joined(separator: ", "))", at: 0)
    return failure
  }

  private func keys(besides key: DocumentKey, _ mine: Bool) -> [String] {
    var keys = [String]()
    let request = ListDocuments(collection: mine ? nil : String(key.collection), limit: Self.page, mine: mine)
    _ = try? daemon.request(.list(request), for: ControlListReply.self, timeout: Self.timeout) { event in
      // The key itself, if it was added meanwhile, is no suggestion.
      guard case .document(let listed, _) = event, listed.document.key != key, keys.last != listed.document.key.text
      else {
        return
      }
      keys.append(listed.document.key.text)
    }
    return keys
  }

  /// `nil` if nobody holds it.
  private func holders(of key: DocumentKey) -> [String]? {
    let reply = try? daemon.request(.lookup(key), for: LookupReply.self, timeout: Self.timeout)
    return reply.map { Array(Set($0.contents.flatMap(\.holders).map(\.name.text))).sorted() }
  }

  private var daemon: DaemonClient {
    var daemon = DaemonClient(console: console, options: options, offersStart: false)
    daemon.explains = false
    return daemon
  }
}
