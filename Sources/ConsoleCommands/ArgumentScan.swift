// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Reads arguments by the description of their command: to write them in the form that its parser accepts, and to explain in
/// one line what it refuses.
package struct ArgumentScan: Equatable {
  package struct Unknown: Equatable {
    package let option: String
    /// The argument that contains it: `-dash.txt` contains `-d`.
    package let argument: String
  }

  /// Arguments that are neither options nor their values.
  package private(set) var positionals: [String] = []
  /// The first option that the command does not have.
  package private(set) var unknown: Unknown?
  package private(set) var asksForHelp = false
  /// The first option without a value, before any unknown option.
  package private(set) var valueless: CommandDescription.Argument?
  /// The same arguments with every value joined to its option: `-fn5` is `-f --lines=5`, and `--limit -1` is
  /// `--limit=-1`, as getopt(3) reads them. The parser refuses both.
  package private(set) var normalized: [String] = []

  private let options: [CommandDescription.Argument]

  package init(_ arguments: some Sequence<String>, of command: CommandDescription) {
    options = command.options
    var rest = Array(arguments)[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        positionals += rest
        normalized += [argument] + rest
        return
      }
      guard argument.hasPrefix("-"), argument != "-" else {
        positionals.append(argument)
        normalized.append(argument)
        continue
      }
      guard let option = argument.hasPrefix("--") ? readLong(argument) : readCluster(argument) else { continue }
      if let next = rest.first, Self.isValue(next) {
        append(option, value: next)
        rest.removeFirst()
      } else {
        if unknown == nil, valueless == nil { valueless = option }
        normalized.append(Self.longName(of: option))
      }
    }
  }

  /// Whether an argument can be the value of the option before it: what begins with a dash is another option, except a
  /// negative number.
  private static func isValue(_ argument: String) -> Bool {
    let rest = argument.utf8.dropFirst()
    return !argument.hasPrefix("-") || rest.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// - Returns: the option whose value is the next argument.
  private mutating func readLong(_ argument: String) -> CommandDescription.Argument? {
    let name = String(argument.prefix { $0 != "=" })
    guard let option = option(named: name) else {
      note(name, in: argument)
      normalized.append(argument)
      return nil
    }
    if option.takesValue, name == argument { return option }
    if option.takesValue, argument.dropFirst(name.count) == "=" {
      append(option, value: "")
    } else {
      normalized.append(argument)
    }
    return nil
  }

  /// `-rh` means `-r -h`, and the value of `-n20` is 20.
  private mutating func readCluster(_ argument: String) -> CommandDescription.Argument? {
    let letters = argument.dropFirst()
    for position in letters.indices {
      let name = "-\(letters[position])"
      guard let option = option(named: name) else {
        note(name, in: argument)
        return nil
      }
      guard option.takesValue else {
        normalized.append(name)
        continue
      }
      let value = letters[letters.index(after: position)...]
      if value.isEmpty { return option }
      append(option, value: String(value.first == "=" ? value.dropFirst() : value))
      return nil
    }
    return nil
  }

  /// The parser takes `--key=` for an option whose value is the next argument.
  private mutating func append(_ option: CommandDescription.Argument, value: String) {
    let name = Self.longName(of: option)
    normalized += value.isEmpty ? [name, ""] : ["\(name)=\(value)"]
  }

  package static func longName(of option: CommandDescription.Argument) -> String {
    option.names.first { $0.hasPrefix("--") } ?? option.names.first ?? ""
  }

  private mutating func option(named name: String) -> CommandDescription.Argument? {
    guard let option = options.first(where: { $0.names.contains(name) }) else { return nil }
    if option.names.contains("--help") { asksForHelp = true }
    return option
  }

  private mutating func note(_ option: String, in argument: String) {
    if unknown == nil { unknown = Unknown(option: option, argument: argument) }
  }
}
