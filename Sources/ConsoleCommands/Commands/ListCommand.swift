// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct ListCommand: ConsoleCommand {
  static let example = "list --collection rfc control proto"
  static let configuration: CommandConfiguration = .verb(
    "list", "List what the network shares.",
    """
    All words must match the start of a word in the title or name; case and accents are ignored. Words of keys count \
    as well; before + or #, as in c++, a word must match whole. A word that ends in / is the beginning of keys: one \
    level below it is listed, with the number of documents in each part; / alone lists the collections.
    """)

  @Argument(help: ArgumentHelp("Words to search for, or the beginning of keys.", valueName: "words"))
  var words: [String] = []

  @Option(help: ArgumentHelp("Only this collection.", valueName: "name"))
  var collection: String?

  @Option(help: ArgumentHelp("Maximum number of rows.", valueName: "number"), transform: TypedNumber.rows)
  var limit: Int?

  @Flag(help: "List all documents below a prefix instead of one level.")
  var flat = false

  @Flag(
    help: """
      List what this peer shares, without asking the index; withheld is what only other networks hear of, refused what the \
      index does not take.
      """)
  var mine = false

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    // Probably an empty variable: the whole network is not what was asked for.
    if !words.isEmpty, words.allSatisfy({ $0.allSatisfy(\.isWhitespace) }) {
      throw ValidationError("no words to search for; without arguments, list shows everything")
    }
    if let collection, !DocumentKey.isCollection(collection) {
      throw ValidationError(
        "--collection takes 1 to \(DocumentKey.maximumCollectionLength) characters of a-z, 0-9 and -")
    }
  }

  func perform(on console: Console) throws -> ExitStatus {
    let plan = ListPlan(words, collection: collection, limit: limit, mine: mine, isFlat: flat || daemon.json)
    var table = DocumentFormat.listTable(mine: mine, width: console.tableWidth, style: console.style)
    var rows = 0
    for request in [plan.request, plan.alternative].compactMap({ $0 }) where rows == 0 {
      _ = try DaemonClient(console: console, options: daemon).request(.list(request), for: ControlListReply.self) {
        switch $0 {
        case .document(let listing, let file):
          rows += 1
          if daemon.json {
            for row in DocumentFormat.members(of: listing, file: file) { try console.writeJSON(row) }
          } else {
            try console.write(table.add(DocumentFormat.cells(of: listing, file: file, mine: mine)))
          }
        case .level(let level):
          rows += 1
          try console.write(table.add([level.prefix, Quantity.count(level.documents, "document")]))
        default: break
        }
      }
    }
    try console.write(table.finish())
    if rows == 0, !daemon.json { console.noteLine(nothing(plan)) }
    return .done
  }

  private func nothing(_ plan: ListPlan) -> String {
    guard mine else {
      return (["No documents found."] + (ListPlan.suggestion(for: words).map { [$0] } ?? [])).joined(separator: "\n")
    }
    return plan.isNarrowed
      ? "Nothing that you share matches. Everything: p2pctl list --mine"
      : "You are not sharing anything yet. Start with: p2pctl add FILE"
  }
}
