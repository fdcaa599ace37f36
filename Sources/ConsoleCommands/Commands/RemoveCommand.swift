// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct RemoveCommand: ConsoleCommand {
  static let words = ["remove"]
  static let example = "remove file/paper.pdf"
  static let configuration: CommandConfiguration = .verb("remove", "Stop sharing a document. No file is deleted.")

  @Argument(help: "The key: collection/name.", transform: DocumentKey.typed)
  var key: DocumentKey

  @Option(help: ArgumentHelp("Only the content whose id begins so.", valueName: "prefix"))
  var content: String?

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    let reply: ControlRemoveReply
    do {
      reply = try DaemonClient(console: console, options: daemon).request(
        .remove(RemoveDocument(key: key, content: content)))
    } catch let failure as CommandFailure {
      throw KeySuggestions(console: console, options: daemon).improved(failure, key: key, mine: true)
    }
    if daemon.json {
      try console.writeJSON(["key": .string(key.text), "removed": .integer(Int64(reply.removed))])
    } else {
      try console.writeLine(TextRules.escapedForTerminal("\(key) is no longer shared"))
    }
    return reply.removed > 0 ? .done : .notFound
  }
}
