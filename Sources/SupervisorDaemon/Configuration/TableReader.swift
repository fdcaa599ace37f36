// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import TOMLKit

/// Reads one table of the file strictly: a value of the wrong type is an error, not a missing value.
struct TableReader {
  private let table: TOMLTable
  private let path: [String]
  private let lines: KeyLines

  init(_ table: TOMLTable, path: [String], lines: KeyLines) {
    self.table = table
    self.path = path
    self.lines = lines
  }

  var names: [String] { table.keys.sorted() }

  func error(_ name: String, _ reason: String) -> ConfigurationError {
    let path = path + [name]
    return ConfigurationError(path: path.joined(separator: "."), line: lines.line(of: path), reason: reason)
  }

  /// Refuses all other names.
  func allow(_ allowed: [String]) throws(ConfigurationError) {
    for name in names where !allowed.contains(name) && !isRemoved(name) {
      throw error(name, "unknown setting; expected one of: \(allowed.joined(separator: ", "))")
    }
  }

  private func isRemoved(_ name: String) -> Bool {
    SettingNames.removed.contains { [$0.table] == path && $0.name == name }
  }

  func table(_ name: String) throws(ConfigurationError) -> TableReader? {
    guard let value = table[name] else { return nil }
    guard let inner = value.table else { throw wrongType(name, value, "a table") }
    return TableReader(inner, path: path + [name], lines: lines)
  }

  func string(_ name: String) throws(ConfigurationError) -> String? {
    guard let value = table[name] else { return nil }
    guard value.type == .string, let text = value.string else { throw wrongType(name, value, "a string in \"quotes\"") }
    return text
  }

  /// One of the words of a closed list.
  func word<Word: RawRepresentable<String> & CaseIterable>(
    _ name: String, as type: Word.Type = Word.self
  ) throws(ConfigurationError) -> Word? {
    guard let text = try string(name) else { return nil }
    guard let word = Word(rawValue: text) else {
      let words = Word.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw error(name, "unknown value \"\(text)\"; expected one of: \(words)")
    }
    return word
  }

  func boolean(_ name: String) throws(ConfigurationError) -> Bool? {
    guard let value = table[name] else { return nil }
    guard value.type == .bool, let flag = value.bool else { throw wrongType(name, value, "true or false") }
    return flag
  }

  /// - Parameter takesZero: whether 0 is allowed as well.
  func integer(
    _ name: String, in range: ClosedRange<Int>, takesZero: Bool = false
  ) throws(ConfigurationError) -> Int? {
    guard let value = table[name] else { return nil }
    guard value.type == .int, let number = value.int else { throw wrongType(name, value, "an integer") }
    guard range.contains(number) || takesZero && number == 0 else {
      let allowed = "\(takesZero ? "0, or " : "")\(range.lowerBound) to \(range.upperBound)"
      throw error(name, "\(number) is out of range; expected \(allowed)")
    }
    return number
  }

  func endpoint(_ name: String, defaultPort: UInt16? = nil) throws(ConfigurationError) -> Endpoint? {
    guard let text = try string(name) else { return nil }
    do {
      return try Endpoint(text, defaultPort: defaultPort)
    } catch {
      throw self.error(name, error.reason)
    }
  }

  func destination(_ name: String, defaultPort: UInt16) throws(ConfigurationError) -> Endpoint? {
    guard let text = try string(name) else { return nil }
    do {
      return try Endpoint(destination: text, defaultPort: defaultPort)
    } catch {
      throw self.error(name, error.reason)
    }
  }

  func hostAddress(_ name: String) throws(ConfigurationError) -> HostAddress? {
    guard let text = try string(name) else { return nil }
    guard let address = HostAddress(text) else { throw error(name, "expected a numeric IPv4 or IPv6 address") }
    return address
  }

  /// The settings of a child have to fit in one line of its channel.
  private static let maxRanges = 1_000

  func addressRanges(_ name: String) throws(ConfigurationError) -> [AddressRange]? {
    guard let value = table[name] else { return nil }
    guard let array = value.array else { throw wrongType(name, value, "a list in [brackets]") }
    guard array.count <= Self.maxRanges else { throw error(name, "more than \(Self.maxRanges) ranges") }
    var ranges: [AddressRange] = []
    for element in array {
      guard element.type == .string, let text = element.string else {
        throw wrongType(name, element, "a list of strings in \"quotes\"")
      }
      do {
        ranges.append(try AddressRange(text))
      } catch {
        throw self.error(name, error.reason)
      }
    }
    return ranges
  }

  private func wrongType(_ name: String, _ value: any TOMLValueConvertible, _ wanted: String) -> ConfigurationError {
    error(name, "expected \(wanted), not a value of type \(value.type)")
  }
}

/// The lines of settings in the text, for messages: the parser reports lines for syntax errors only.
///
/// It recognises headers in brackets and `name = …` lines, quoted and dotted. Settings inside inline tables get no line; text
/// that looks like a setting inside a multi-line string may cause a wrong line.
struct KeyLines {
  private var lines: [[String]: Int] = [:]

  init(_ text: String) {
    var header: [String] = []
    var number = 0
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" }) {
      number += 1
      let content = line.drop { $0 == " " || $0 == "\t" }
      let isHeader = content.first == "["
      guard let names = Self.names(isHeader ? content.drop { $0 == "[" } : content, end: isHeader ? "]" : "=")
      else { continue }
      if isHeader { header = names }
      let path = isHeader ? names : header + names
      // A table that is only implied by a longer name gets the line of that name.
      for length in 1...max(path.count, 1) where lines[Array(path.prefix(length))] == nil {
        lines[Array(path.prefix(length))] = number
      }
    }
  }

  func line(of path: [String]) -> Int? { lines[path] }

  /// The parts of a dotted name; `nil` if the text does not begin with one followed by `end`.
  private static func names(_ text: Substring, end: Character) -> [String]? {
    var names: [String] = []
    var rest = text
    while true {
      rest = rest.drop { $0 == " " || $0 == "\t" }
      guard let first = rest.first else { return nil }
      let name: Substring
      if first == "\"" || first == "'" {
        rest = rest.dropFirst()
        name = rest.prefix { $0 != first }
        rest = rest.dropFirst(name.count + 1)
      } else {
        name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
        rest = rest.dropFirst(name.count)
      }
      guard !name.isEmpty else { return nil }
      names.append(String(name))
      rest = rest.drop { $0 == " " || $0 == "\t" }
      if rest.first == end { return names }
      guard rest.first == "." else { return nil }
      rest = rest.dropFirst()
    }
  }
}
