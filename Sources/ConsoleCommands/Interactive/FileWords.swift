// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc

/// Expands the words of a typed line that name files, as a shell does: `~`, and patterns of glob(7). Keys stay as typed.
enum FileWords {
  private static let maxFiles = 10_000

  /// - Parameter home: `nil` leaves `~` as it is.
  static func expanded(_ words: [ShellWords.Word], home: String?) -> [String] {
    let command = command(of: words)
    let takesFiles = command?.positionals.contains { $0.valueName == "file" } ?? false
    var expanded = [String]()
    var isValueOfFile = false
    for word in words {
      if isValueOfFile {
        expanded.append(withHome(word, home))
      } else if takesFiles, !word.text.hasPrefix("-") {
        expanded += files(word, home)
      } else {
        expanded.append(word.text)
      }
      isValueOfFile = command?.option(named: word.text).map { ["file", "path", "dir"].contains($0.valueName) } ?? false
    }
    return expanded
  }

  private static func command(of words: [ShellWords.Word]) -> CommandDescription? {
    // Only a line with something to expand is worth the description of all commands.
    guard words.contains(where: { $0.beginsWithTilde || $0.isPattern }) else { return nil }
    var command = CommandDescription.own()
    for word in words where !word.text.hasPrefix("-") && word.text != "p2pctl" {
      guard let next = command?[words: [word.text]] else { break }
      command = next
    }
    return command
  }

  private static func withHome(_ word: ShellWords.Word, _ home: String?) -> String {
    guard let home, word.beginsWithTilde, word.text == "~" || word.text.utf8.starts(with: "~/".utf8) else {
      return word.text
    }
    return home + word.text.dropFirst()
  }

  /// A pattern without a match stays as it was typed: the error then names it.
  private static func files(_ word: ShellWords.Word, _ home: String?) -> [String] {
    let text = withHome(word, home)
    guard word.isPattern else { return [text] }
    let isExpanded = text != word.text
    let pattern = isExpanded ? escaped(home ?? "") + word.pattern.dropFirst() : word.pattern
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, 0, nil, &found) == 0 else { return [text] }
    let names = (0..<min(Int(found.gl_pathc), maxFiles)).compactMap { index in
      found.gl_pathv[index].flatMap { String(validatingCString: $0) }
    }
    // A name that begins with a dash would be read as an option.
    return names.isEmpty ? [text] : names.map { $0.hasPrefix("-") ? "./\($0)" : $0 }
  }

  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { $0 += "*?[\\".contains($1) ? "\\\($1)" : String($1) }
  }
}
