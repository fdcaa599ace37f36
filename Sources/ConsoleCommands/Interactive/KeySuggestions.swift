import DocumentModel
import WireProtocol

/// Keys that a word may be completed to. Somebody waits with a finger on the key: where no answer comes soon, there are
/// none.
struct KeySuggestions {
  /// More than anybody reads; what lies behind them is found by typing the collection.
  static let limit = 1_000
  private static let patience = Duration.seconds(2)

  let console: Console
  let options: DaemonOptions

  /// The keys that begin as typed and need no quotes.
  func keys(_ typed: String, _ mine: Bool) -> [String] {
    let collection = typed.firstIndex(of: "/").map { String(typed[..<$0]) }
    if let collection, !DocumentKey.isCollection(collection) { return [] }
    var keys = [String]()
    let daemon = Daemon(console: console, options: options, offersStart: false)
    let request = ListDocuments(collection: collection, limit: Self.limit, mine: mine)
    _ = try? daemon.request(.list(request), for: ControlListReply.self, patience: Self.patience) { event in
      guard case .document(let listed) = event, keys.last != listed.document.key.text else { return }
      let key = listed.document.key.text
      if key.hasPrefix(typed), (try? ShellWords.split(key)) == [key] { keys.append(key) }
    }
    return keys
  }
}
