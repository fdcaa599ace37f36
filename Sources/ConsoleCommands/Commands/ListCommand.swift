// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import WireProtocol

struct ListCommand: ConsoleCommand {
  static let words = ["list"]
  static let example = "list --collection rfc control proto"
  static let configuration: CommandConfiguration = .verb(
    "list", "List what the network shares.",
    "All words must match, each as the beginning of a word of title or name; case and accents do not matter.")

  @Argument(help: ArgumentHelp("What to look for.", valueName: "words"))
  var words: [String] = []

  @Option(help: ArgumentHelp("Only this collection.", valueName: "name"))
  var collection: String?

  @Option(help: ArgumentHelp("At most so many documents.", valueName: "number"))
  var limit: Int?

  @Flag(help: "What this peer shares, without asking the index.")
  var mine = false

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
    if let collection, !DocumentKey.isCollection(collection) {
      throw ValidationError("a collection is 1 to \(DocumentKey.maximumCollectionLength) of a-z, 0-9 and -")
    }
  }

  func perform(on console: Console) throws -> ExitStatus {
    var table = DocumentRows.listTable(mine: mine, width: console.tableWidth, style: console.style)
    let text = TextRules.normalized(words.joined(separator: " "))
    let request = ListDocuments(
      collection: collection, words: text.isEmpty ? nil : text, limit: limit, mine: mine)
    let reply = try DaemonClient(console: console, options: daemon).request(.list(request), for: ControlListReply.self)
    {
      guard case .document(let document) = $0 else { return }
      if daemon.json {
        for row in DocumentRows.members(of: document) { try console.writeJSON(row) }
      } else {
        try console.write(table.add(DocumentRows.cells(of: document, mine: mine)))
      }
    }
    try console.write(table.finish())
    if reply.documents == 0, !daemon.json {
      console.noteLine(mine ? "You share nothing yet: p2pctl add FILE" : "Nothing found.")
    }
    return .done
  }
}
