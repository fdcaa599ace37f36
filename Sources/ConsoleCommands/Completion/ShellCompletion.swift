// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel

/// What shells ask for when somebody presses the tab key: `p2pctl complete …`, which no help mentions.
///
/// The first line of the answer says what kind of thing is to be found: `words`, `files` or `directories`, of which the
/// shell knows better; then come the words.
enum ShellCompletion {
  /// - Parameter arguments: `bash BREAKS LINE`, or `words WORD… TYPED`.
  static func answer(_ arguments: [String], on console: Console) throws {
    guard let root = CommandDescription.own(), let options = try? DaemonOptions.parse([]) else { return }
    switch arguments.first {
    case "bash" where arguments.count == 3:
      let line = UnfinishedLine(arguments[2])
      let replaced = line.replacedByBash(breaks: arguments[1])
      try write(Array(line.words.dropFirst()), line.typed, root, options, on: console) {
        line.completed(to: $0.text, replacing: replaced)
      }
    case "words" where arguments.count >= 2:
      try write(Array(arguments[1...].dropLast()), arguments.last ?? "", root, options, on: console) { word in
        let help = TextRules.escapedForTerminal(word.help)
        return help.isEmpty ? word.text : "\(word.text)\t\(help)"
      }
    default: throw CommandFailure(.usage, "complete is for the completion scripts of shells")
    }
  }

  private static func write(
    _ words: [String], _ typed: String, _ root: CommandDescription, _ options: DaemonOptions, on console: Console,
    _ form: (Completion.Word) -> String?
  ) throws {
    let completion = Completion(after: words, typed: typed, in: root)
    switch completion.kind {
    case .files: try console.writeLine("files")
    case .directories: try console.writeLine("directories")
    default:
      try console.writeLine("words")
      let candidates = CompletionCandidates(console: console, options: options, words: words)
      for word in candidates.words(completion, typed: typed) where !word.text.contains(where: \.isNewline) {
        if let line = form(word) { try console.writeLine(line) }
      }
    }
  }
}
