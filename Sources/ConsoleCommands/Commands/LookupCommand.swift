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
