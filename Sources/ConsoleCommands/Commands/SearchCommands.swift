// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import WireProtocol

struct LookupCommand: ConsoleCommand {
  static let example = "lookup 793                    # the same as lookup rfc/793"
  static let configuration: CommandConfiguration = .verb(
    "lookup", "Show who holds a document.", "A bare number N means rfc/N. One key may have several contents.")

  @Argument(help: "The key, as collection/name.", transform: DocumentKey.typed)
  var key: DocumentKey

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    let reply: LookupReply
    do {
      reply = try DaemonClient(console: console, options: daemon).request(.lookup(key))
    } catch let failure as CommandFailure {
      throw KeySuggestions(console: console, options: daemon).improved(failure, key: key)
    }
    if daemon.json {
      for content in reply.contents {
        let document = Document(
          key: reply.key, title: content.title, content: content.content, modified: content.modified)
        for row in DocumentFormat.members(of: document, total: content.total, holders: content.holders) {
          try console.writeJSON(row)
        }
      }
    } else {
      try console.write(DocumentFormat.table(of: reply, width: console.tableWidth, style: console.style))
    }
    if reply.more > 0 { console.noteLine("\(Quantity.count(reply.more, "more content")) under this key.") }
    return .done
  }
}

struct ListCommand: ConsoleCommand {
  static let example = "list --collection rfc control proto"
  static let configuration: CommandConfiguration = .verb(
    "list", "List what the network shares.",
    "All words must match the start of a word in the title or name. Case and accents are ignored.")

  @Argument(help: ArgumentHelp("Words to search for.", valueName: "words"))
  var words: [String] = []

  @Option(help: ArgumentHelp("Only this collection.", valueName: "name"))
  var collection: String?

  @Option(help: ArgumentHelp("Maximum number of documents.", valueName: "number"))
  var limit: Int?

  @Flag(help: "List what this peer shares, without asking the index.")
  var mine = false

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    if let collection, !DocumentKey.isCollection(collection) {
      throw ValidationError(
        "--collection takes 1 to \(DocumentKey.maximumCollectionLength) characters of a-z, 0-9 and -")
    }
  }

  func perform(on console: Console) throws -> ExitStatus {
    var table = DocumentFormat.listTable(mine: mine, width: console.tableWidth, style: console.style)
    let text = TextRules.normalized(words.joined(separator: " "))
    let request = ListDocuments(
      collection: collection, words: text.isEmpty ? nil : text, limit: limit, mine: mine)
    let reply = try DaemonClient(console: console, options: daemon).request(.list(request), for: ControlListReply.self)
    {
      guard case .document(let listing, let file) = $0 else { return }
      if daemon.json {
        for row in DocumentFormat.members(of: listing, file: file) { try console.writeJSON(row) }
      } else {
        try console.write(table.add(DocumentFormat.cells(of: listing, file: file, mine: mine)))
      }
    }
    try console.write(table.finish())
    if reply.documents == 0, !daemon.json {
      console.noteLine(mine ? "You are not sharing anything yet. Start with: p2pctl add FILE" : "No documents found.")
    }
    return .done
  }
}
