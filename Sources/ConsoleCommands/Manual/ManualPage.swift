// SPDX-License-Identifier: Apache-2.0

/// A page of the manual in the language of man(7), put together from what the parser knows of a command.
package struct ManualPage {
  /// `p2pctl-get`; with `.1` behind it the name of its file.
  package let name: String
  private var lines: [String]

  /// - Parameters:
  ///   - version: of the program.
  ///   - abstract: one sentence.
  package init(name: String, abstract: String, version: String) {
    self.name = name
    lines = [
      #".\" Made from the program itself: p2pctl generate-manual"#,
      ".TH \(Self.quoted(name.uppercased())) 1 \"\" \(Self.quoted("p2p \(version)")) \"User Commands\"",
    ]
    section("NAME")
    // What whatis(1) reads: no full stop, and one hyphen.
    text("\(name) \u{2014} \(abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract)")
    if let last = lines.popLast() { lines.append(last.replacing(#" \[u2014] "#, with: #" \- "#)) }
  }

  package var text: String { lines.joined(separator: "\n") + "\n" }

  // MARK: Parts

  package mutating func section(_ title: String) {
    lines.append(".SH \(Self.quoted(title))")
  }

  package mutating func subsection(_ title: String) {
    lines.append(".SS \(Self.quoted(title))")
  }

  /// Paragraphs, separated by empty lines.
  package mutating func text(_ text: String) {
    var isFirst = true
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if paragraph.isEmpty || !isFirst { lines.append(".PP") }
      if !paragraph.isEmpty { lines.append(Self.line(String(paragraph))) }
      isFirst = paragraph.isEmpty
    }
  }

  /// A term and what it means.
  /// - Parameter term: in the language of roff.
  package mutating func item(_ term: String, _ text: String) {
    lines += [".TP", term]
    lines.append(text.isEmpty ? #"\&"# : Self.line(text))
  }

  /// Lines as they are typed.
  package mutating func example(_ text: String) {
    if lines.last?.hasPrefix(".SH") != true { lines.append(".PP") }
    lines += [".RS 4", ".nf"]
    lines += text.split(separator: "\n", omittingEmptySubsequences: false).map { Self.line(String($0)) }
    lines += [".fi", ".RE"]
  }

  package mutating func synopsis(_ command: CommandDescription, _ words: String) {
    // No hyphens and no even margins: it is to be typed.
    lines += [".nh", ".ad l", ".HP", Self.bold(words)]
    lines += Synopsis.parts(of: command)
    lines += [".ad", ".hy"]
  }

  package mutating func arguments(_ arguments: [CommandDescription.Argument]) {
    for argument in arguments {
      var help = argument.help
      if argument.isRepeating, argument.kind == .option, !help.contains("several times"), !help.contains("repeated") {
        help += " May be given several times."
      }
      item(Synopsis.term(of: argument), help)
    }
  }

  // MARK: The language

  static func bold(_ text: String) -> String { #"\fB"# + escaped(text) + #"\fR"# }
  static func italic(_ text: String) -> String { #"\fI"# + escaped(text) + #"\fR"# }

  /// A line of text: what would be a request at its beginning is none.
  private static func line(_ text: String) -> String {
    let escaped = escaped(text)
    return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? #"\&"# + escaped : escaped
  }

  private static func quoted(_ text: String) -> String {
    "\"" + escaped(text).replacing("\"", with: #"\(dq"#) + "\""
  }

  /// Characters that mean something else to roff, and those beyond ASCII, whose encoding it does not know.
  static func escaped(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "\\": result += #"\e"#
      case "-": result += #"\-"#
      case "'": result += #"\(aq"#
      case "`": result += #"\(ga"#
      case "^": result += #"\(ha"#
      case "~": result += #"\(ti"#
      case _ where scalar.isASCII: result.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result += #"\[u"# + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "]"
      }
    }
  }
}

/// How a command is typed, in the language of roff.
private enum Synopsis {
  static func parts(of command: CommandDescription) -> [String] {
    let options = command.options.filter { $0.names != ["-h", "--help"] && $0.names != ["--version"] }
    return options.map { #"[\,"# + typed($0) + #"\/]"# + ($0.isRepeating ? " ..." : "") }
      + command.positionals.map { argument in
        let name = ManualPage.italic(argument.valueName) + (argument.isRepeating ? " ..." : "")
        return argument.isOptional ? "[\(name)]" : name
      }
  }

  private static func typed(_ option: CommandDescription.Argument) -> String {
    let name = ManualPage.bold(option.names.first ?? "")
    return option.takesValue ? "\(name) \(ManualPage.italic(option.valueName))" : name
  }

  static func term(of argument: CommandDescription.Argument) -> String {
    guard argument.kind != .positional else { return ManualPage.italic(argument.valueName) }
    let names = argument.names.map(ManualPage.bold).joined(separator: ", ")
    return argument.takesValue ? "\(names) \(ManualPage.italic(argument.valueName))" : names
  }
}
