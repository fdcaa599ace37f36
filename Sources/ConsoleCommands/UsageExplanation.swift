// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Explains why the arguments of a command were refused, in one line and with what to type instead.
struct UsageExplanation {
  /// The words of the command: `supervisor start`.
  let words: [String]
  let command: CommandDescription
  let scan: ArgumentScan

  /// What the parser says.
  let refusal: String

  /// In one line, escaped for the terminal.
  var message: String {
    if let option = scan.valueless, refusal.hasPrefix("Missing value for") {
      let name = ArgumentScan.longName(of: option)
      return "\(name) needs a value; one that begins with a dash is written \(name)=-…"
    }
    return unknownOption ?? surplus ?? refusal
  }

  private var unknownOption: String? {
    guard let unknown = scan.unknown else { return nil }
    let option = TextRules.escapedForTerminal(CellWidth.cut(unknown.option, to: 60))
    if isForPeers(unknown) {
      return "\(verb) has no \(option): it asks the supervisor, which P2P_HOME or --home selects"
    }
    guard takesFiles, !unknown.argument.hasPrefix("--") || unknown.argument.contains(".") else {
      return "unknown option \(option)"
    }
    let file = ShellWords.escaped("./\(unknown.argument)", in: nil)
    return "unknown option \(option); for a file of that name: \(TextRules.escapedForTerminal(file))"
  }

  private var surplus: String? {
    let known = command.positionals
    guard scan.positionals.count > known.count, known.last?.isRepeating != true else { return nil }
    guard let name = known.first?.valueName, known.count == 1 else {
      let first = scan.positionals.first ?? ""
      return "\(verb) takes no argument such as \(TextRules.escapedForTerminal(CellWidth.cut(first, to: 60)))"
    }
    return "\(verb) takes one \(name), but \(scan.positionals.count) were given"
  }

  /// What was probably meant.
  var suggestion: String? {
    if let unknown = scan.unknown {
      if isForPeers(unknown) { return process(in: unknown) }
      guard unknown.option.hasPrefix("--") else { return nil }
      return ClosestWord.to(unknown.option, among: command.options.flatMap(\.names).filter { $0.hasPrefix("--") })
    }
    guard command.positionals.first?.valueName == "key", let key = KeyGuess.key(for: scan.positionals) else {
      return nil
    }
    return TextRules.escapedForTerminal("p2pctl \(verb) \(ShellWords.escaped(key.text, in: nil))")
  }

  private var verb: String { words.joined(separator: " ") }
  private var takesFiles: Bool { command.positionals.contains { $0.valueName == "file" } }

  /// Whether an option selects a peer, for a command that is for the supervisor.
  private func isForPeers(_ unknown: ArgumentScan.Unknown) -> Bool {
    words.first == "supervisor" && ["--peer", "--socket"].contains(unknown.option)
  }

  /// `supervisor restart alice` for `supervisor restart --peer alice`.
  private func process(in unknown: ArgumentScan.Unknown) -> String? {
    guard unknown.option == "--peer", command.positionals.first?.valueName == "process" else { return nil }
    let joined = unknown.argument.dropFirst("--peer=".count)
    let name = joined.isEmpty ? scan.positionals.first : String(joined)
    return name.flatMap { try? PeerName($0) }.map { "p2pctl \(verb) \($0.text)" }
  }
}
