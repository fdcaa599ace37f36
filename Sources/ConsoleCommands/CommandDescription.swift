// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LineJSON

/// A command as described by its parser (ToolInfoV0 of swift-argument-parser): completion and the manual are made from
/// this, so they always agree with `--help`.
package struct CommandDescription: Equatable {
  package struct Argument: Equatable {
    package enum Kind: String {
      case positional
      case option
      case flag
    }

    package let kind: Kind
    /// With their dashes: `-o`, `--output`. Empty for positional arguments.
    package let names: [String]
    /// The kind of its value: `key`, `path`, `peer`.
    package let valueName: String
    package let help: String
    package let defaultValue: String?
    package let isOptional: Bool
    package let isRepeating: Bool

    package var takesValue: Bool { kind == .option }

    package init(kind: Kind, names: [String], valueName: String = "") {
      self.kind = kind
      self.names = names
      self.valueName = valueName
      (help, defaultValue, isOptional, isRepeating) = ("", nil, true, false)
    }
  }

  package let name: String
  package let abstract: String
  package let discussion: String
  package let arguments: [Argument]
  package let subcommands: [CommandDescription]

  /// p2pctl itself; `nil` if the parser uses an unknown format.
  static func own() -> CommandDescription? {
    CommandDescription(dump: RootCommand._dumpHelp())
  }

  /// - Parameter dump: the output of a program for `--experimental-dump-help`.
  package init?(dump: String) {
    guard let json = try? Jansson.decode(dump.utf8), let command = json["command"] else { return nil }
    self.init(command)
  }

  private init?(_ json: JSONValue) {
    guard let name = json["commandName"]?.string else { return nil }
    self.name = name
    abstract = json["abstract"]?.string ?? ""
    discussion = json["discussion"]?.string ?? ""
    arguments = (json["arguments"]?.array ?? []).compactMap { Argument($0) }
    subcommands = (json["subcommands"]?.array ?? []).compactMap { CommandDescription($0) }
      // Added to every root by the parser; not documented.
      .filter { $0.name != "help" }
  }

  package init(
    name: String, abstract: String, discussion: String = "", arguments: [Argument] = [],
    subcommands: [CommandDescription] = []
  ) {
    self.name = name
    self.abstract = abstract
    self.discussion = discussion
    self.arguments = arguments
    self.subcommands = subcommands
  }

  /// The subcommand with this path.
  package subscript(words words: [String]) -> CommandDescription? {
    words.reduce(self as CommandDescription?) { command, word in command?.subcommands.first { $0.name == word } }
  }

  package var positionals: [Argument] { arguments.filter { $0.kind == .positional } }
  package var options: [Argument] { arguments.filter { $0.kind != .positional } }

  package func option(named name: String) -> Argument? {
    options.first { $0.names.contains(name) }
  }
}

extension CommandDescription.Argument {
  fileprivate init?(_ json: JSONValue) {
    guard let kind = (json["kind"]?.string).flatMap(Kind.init), json["shouldDisplay"]?.bool != false else { return nil }
    self.kind = kind
    let named = json["names"]?.array ?? []
    names = named.compactMap { name in
      name["name"]?.string.map { name["kind"]?.string == "short" ? "-\($0)" : "--\($0)" }
    }
    valueName = json["valueName"]?.string ?? ""
    help = json["abstract"]?.string ?? ""
    defaultValue = json["defaultValue"]?.string
    isOptional = json["isOptional"]?.bool ?? false
    isRepeating = json["isRepeating"]?.bool ?? false
  }
}
