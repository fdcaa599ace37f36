// SPDX-License-Identifier: Apache-2.0

/// An address to listen at or to connect to: `HOST:PORT`, `[IPv6]:PORT`, or `:PORT` for all addresses.
package struct Endpoint: Hashable, Sendable {
  /// The port of an index where none is named.
  package static let defaultIndexPort: UInt16 = 7734
  package static let defaultIndex = Endpoint(host: "127.0.0.1", port: defaultIndexPort)

  /// A name or an address, IPv6 without brackets; empty for all addresses.
  package let host: String
  /// 0 means any free port.
  package let port: UInt16

  package init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// - Parameter defaultPort: used where the text has no port; `nil` demands one.
  package init(_ text: String, defaultPort: UInt16? = nil) throws(InvalidValue) {
    let parts = try Self.split(text)
    guard parts.host.utf8.count <= 253, parts.host.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7F })
    else { throw InvalidValue("\(TextRules.escapedForTerminal(text)) names no host") }
    guard let port = parts.port.map(Self.port) ?? defaultPort else {
      throw InvalidValue("an address is HOST:PORT with a port from 0 to 65535")
    }
    self.init(host: parts.host, port: port)
  }

  /// An address to connect to: with a host, and a port that is not 0.
  package init(destination text: String, defaultPort: UInt16? = nil) throws(InvalidValue) {
    try self.init(text, defaultPort: defaultPort)
    guard !host.isEmpty, port > 0 else {
      throw InvalidValue("an address to connect to has a host and a port that is not 0")
    }
  }

  /// Whether only this machine can reach it.
  package var isLoopback: Bool {
    host == "localhost" || host == "::1" || (host.hasPrefix("127.") && host.utf8.allSatisfy { $0 < 0x3A })
  }

  /// In figures alone: `UInt16` would take a sign as well.
  private static func port(_ text: Substring) -> UInt16? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt16(text) : nil
  }

  private static func split(_ text: String) throws(InvalidValue) -> (host: String, port: Substring?) {
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw InvalidValue("an IPv6 address stands in [brackets]") }
      let host = text[text.index(after: text.startIndex)..<end]
      let rest = text[text.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") else { throw InvalidValue("after ] stands :PORT") }
      return (String(host), rest.isEmpty ? nil : rest.dropFirst())
    }
    guard let colon = text.lastIndex(of: ":") else { return (text, nil) }
    let host = text[..<colon]
    guard !host.contains(":") else { throw InvalidValue("an IPv6 address stands in [brackets]") }
    return (String(host), text[text.index(after: colon)...])
  }
}

extension Endpoint: CustomStringConvertible {
  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
