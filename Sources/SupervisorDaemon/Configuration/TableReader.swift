// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import TOMLKit

/// One table of the file, read strictly: a value of another type than asked for is an error, not an absence.
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

  /// Refuses every name but these.
  func allow(_ allowed: [String]) throws(ConfigurationError) {
    for name in names where !allowed.contains(name) && !isRemoved(name) {
      throw error(name, "there is no such setting; here are: \(allowed.joined(separator: ", "))")
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

  func boolean(_ name: String) throws(ConfigurationError) -> Bool? {
    guard let value = table[name] else { return nil }
    guard value.type == .bool, let flag = value.bool else { throw wrongType(name, value, "true or false") }
    return flag
  }

  func integer(_ name: String, where isAllowed: (Int) -> Bool) throws(ConfigurationError) -> Int? {
    guard let value = table[name] else { return nil }
    guard value.type == .int, let number = value.int else { throw wrongType(name, value, "an integer") }
    guard isAllowed(number) else { throw error(name, "\(number) is out of range") }
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
    guard let address = HostAddress(text) else { throw error(name, "this is an IPv4 or IPv6 address in figures") }
    return address
  }

  /// The settings of a child fit one line of its channel.
  private static let maxRanges = 1_000

  func addressRanges(_ name: String) throws(ConfigurationError) -> [AddressRange]? {
    guard let value = table[name] else { return nil }
    guard let array = value.array else { throw wrongType(name, value, "a list in [brackets]") }
    guard array.count <= Self.maxRanges else { throw error(name, "has more than \(Self.maxRanges) ranges") }
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
    error(name, "this is \(wanted), not a value of type \(value.type)")
  }
}
