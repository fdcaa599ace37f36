// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport

/// The candidates that can replace the end of a line in the interactive shell.
package struct LineCompletions {
  /// As inserted, with the quotes and backslashes that the line needs.
  package private(set) var texts: [String] = []
  /// Whether there is one candidate and it is a complete word.
  package private(set) var isWord = false

  init() {}

  /// - Parameter replaced: the end of the line that a candidate replaces.
  package init(_ line: String, replacing replaced: String, console: Console, options: DaemonOptions) {
    guard let root = CommandDescription.own() else { return }
    let line = PartialLine(line)
    let words = line.words.first == "p2pctl" ? Array(line.words.dropFirst()) : line.words
    let completion = Completion(after: words, typed: line.typed, extras: Repl.exitCommands, in: root)
    let found = Self.found(
      completion, line.typed, CompletionCandidates(console: console, options: options, words: words))
    texts = found.compactMap { line.completed(to: $0, replacing: replaced) }
    guard texts.count == 1, let only = found.first else { return }
    isWord = !only.endsInSlash
    if isWord, let quote = line.quote { texts[0].append(quote) }
  }

  private static func found(_ completion: Completion, _ typed: String, _ candidates: CompletionCandidates) -> [String] {
    let typedFile = String(typed.dropFirst(completion.prefix.count))
    let directory = candidates.console.environment.workingDirectory() ?? "/"
    switch completion.kind {
    case .files, .directories:
      return FileNames.beginning(
        typedFile, in: directory, onlyDirectories: completion.kind == .directories,
        home: candidates.console.environment.variable("HOME")
      )
      .map { completion.prefix + $0 }
    default: return candidates.words(completion, typed: typed).map(\.text)
    }
  }

  /// The longest common prefix, in characters.
  package var common: String {
    guard var common = texts.first else { return "" }
    for text in texts.dropFirst() { common = String(zip(common, text).prefix { $0 == $1 }.map(\.0)) }
    return common
  }
}

/// Completes file names.
enum FileNames {
  private static let maxNames = 1_000

  /// - Parameters:
  ///   - typed: the start of a path.
  ///   - directory: the base of a relative path.
  /// - Returns: matching paths in the form typed, directories with a trailing slash; sorted.
  static func beginning(
    _ typed: String, in directory: String, onlyDirectories: Bool = false, home: String? = nil
  ) -> [String] {
    let name = typed.afterLastSlash
    let parent = String(Substring(typed.utf8.dropLast(name.utf8.count)))
    let path = parent.beginsWithSlash ? parent : "\(directory)/\(parent)"
    let names = try? DirectoryNames.read(Self.withHome(path, parent, home), max: maxNames) { bytes -> String? in
      // Names that are not UTF-8 cannot be typed.
      guard let file = String(validating: bytes, as: UTF8.self), PartialLine.begins(file, with: name),
        file.beginsWithDot == name.beginsWithDot
      else { return nil }
      let isDirectory = isDirectory("\(Self.withHome(path, parent, home))/\(file)")
      return isDirectory || !onlyDirectories ? parent + file + (isDirectory ? "/" : "") : nil
    }
    return (names ?? []).sorted()
  }

  /// `~/` at the beginning stays as typed, and means the home directory.
  private static func withHome(_ path: String, _ parent: String, _ home: String?) -> String {
    guard let home, parent.utf8.starts(with: "~/".utf8) else { return path }
    return home + parent.dropFirst()
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
