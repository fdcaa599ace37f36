// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An address to listen at or to connect to: `HOST:PORT`, `[IPv6]:PORT`, or `:PORT` for all addresses.
package struct Endpoint: Hashable, Sendable {
  /// The port of an index if none is given.
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

  /// - Parameter defaultPort: used if the text has no port; `nil` if it must have one.
  package init(_ text: String, defaultPort: UInt16? = nil) throws(InvalidValue) {
    let parts = try Self.split(text)
    guard parts.host.utf8.count <= 253, parts.host.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7F })
    else { throw Self.invalid(text, "this is not a host name") }
    guard let typedPort = parts.port ?? defaultPort.map({ "\($0)"[...] }) else {
      throw Self.invalid(text, "the port is missing: HOST:PORT")
    }
    guard let port = Self.port(typedPort) else { throw Self.invalid(text, "a port is a number from 0 to 65535") }
    self.init(host: parts.host, port: port)
  }

  /// An address to connect to: with a host, and a port that is not 0.
  package init(destination text: String, defaultPort: UInt16? = nil) throws(InvalidValue) {
    try self.init(text, defaultPort: defaultPort)
    guard !host.isEmpty, port > 0 else {
      throw Self.invalid(text, "an address to connect to has a host and a port from 1 to 65535")
    }
  }

  /// Whether only this machine can reach it.
  package var isLoopback: Bool {
    host == "localhost" || HostAddress(host)?.isLoopback == true
  }

  /// The host at which a peer listens by default that uses an index here: on loopback if the index is there, in the same
  /// family, because the index reports the address from which a peer connects. Empty for all addresses.
  package var defaultPeerHost: String {
    guard isLoopback else { return "" }
    return HostAddress(host)?.isIPv6 == true ? "::1" : "127.0.0.1"
  }

  /// Digits only: `UInt16` would accept a sign.
  private static func port(_ text: Substring) -> UInt16? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt16(text) : nil
  }

  /// Names the address that was typed, cut to a length that can be read.
  private static func invalid(_ text: String, _ reason: String) -> InvalidValue {
    let shown = TextRules.escapedForTerminal(String(text.prefix(80)))
    return InvalidValue("\(shown.isEmpty ? "an empty address" : shown): \(reason)")
  }

  private static func split(_ text: String) throws(InvalidValue) -> (host: String, port: Substring?) {
    guard !text.contains("://") else { throw invalid(text, "this is a URL; give HOST:PORT") }
    guard !text.utf8.contains(where: Array("/?#@\\".utf8).contains) else {
      throw invalid(text, "an address is HOST:PORT, without a path or a user")
    }
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw invalid(text, "a ] is missing") }
      let host = text[text.index(after: text.startIndex)..<end]
      let rest = text[text.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") else { throw invalid(text, "only :PORT may follow ]") }
      return (String(host), rest.isEmpty ? nil : rest.dropFirst())
    }
    guard let colon = text.lastIndex(of: ":") else { return (text, nil) }
    let host = text[..<colon]
    guard !host.contains(":") else { throw invalid(text, "put an IPv6 address in brackets: [::1]:7734") }
    return (String(host), text[text.index(after: colon)...])
  }
}

extension Endpoint: CustomStringConvertible {
  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// An IP address in canonical form.
///
/// An IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2) is the IPv4 address.
package struct HostAddress: Hashable, Sendable {
  /// 4 or 16 bytes in network order.
  let bytes: [UInt8]

  /// `nil` for names, zones and everything else that inet_pton(3) rejects.
  package init?(_ text: String) {
    if let bytes = Self.read(text, AF_INET, length: 4) {
      self.bytes = bytes
    } else if let bytes = Self.read(text, AF_INET6, length: 16) {
      self.bytes = bytes.starts(with: Self.mappedPrefix) ? Array(bytes.dropFirst(12)) : bytes
    } else {
      return nil
    }
  }

  /// The same, with the reason for people.
  package init(numeric text: String) throws(InvalidValue) {
    guard let address = HostAddress(text) else { throw InvalidValue("expected a numeric IPv4 or IPv6 address") }
    self = address
  }

  /// The canonical text.
  package var text: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether it means the same host on every machine and link: not loopback, link-local, unspecified, multicast or
  /// broadcast.
  package var isGlobalUnicast: Bool {
    switch (bytes.count, bytes[0]) {
    case (4, 0), (4, 127), (4, 224...255): false
    case (4, 169): bytes[1] != 254
    case (16, 0xFE): bytes[1] & 0xC0 != 0x80
    case (16, 0xFF): false
    case (16, 0): bytes.dropLast().contains { $0 != 0 }
    default: true
    }
  }

  package var isIPv6: Bool { bytes.count == 16 }

  /// 127.0.0.0/8 or ::1.
  package var isLoopback: Bool {
    isIPv6 ? bytes.last == 1 && bytes.dropLast().allSatisfy { $0 == 0 } : bytes[0] == 127
  }

  private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

  private static func read(_ text: String, _ family: CInt, length: Int) -> [UInt8]? {
    // A C string ends at its first NUL: the rest would be ignored.
    guard !text.utf8.contains(0) else { return nil }
    var bytes = [UInt8](repeating: 0, count: length)
    return inet_pton(family, text, &bytes) == 1 ? bytes : nil
  }
}

/// A range of addresses in CIDR notation (RFC 4632): `10.0.0.0/8`, `2001:db8::/32`, or one address.
package struct AddressRange: Hashable, Sendable {
  private let base: HostAddress
  /// In bits.
  private let prefix: Int

  package init(_ text: String) throws(InvalidValue) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let base = HostAddress(String(parts[0])) else {
      throw InvalidValue("expected a range of addresses such as 10.0.0.0/8 or 2001:db8::/32")
    }
    let maximum = base.bytes.count * 8
    guard let prefix = parts.count == 1 ? maximum : Self.decimal(parts[1]), prefix <= maximum else {
      throw InvalidValue("the prefix length is a number from 0 to \(maximum)")
    }
    self.base = base
    self.prefix = prefix
  }

  package func contains(_ address: HostAddress) -> Bool {
    guard address.bytes.count == base.bytes.count else { return false }
    var bitsLeft = prefix
    for (left, right) in zip(base.bytes, address.bytes) {
      guard bitsLeft > 0 else { return true }
      let mask = UInt8(truncatingIfNeeded: 0xFF00 >> min(bitsLeft, 8))
      if left & mask != right & mask { return false }
      bitsLeft -= 8
    }
    return true
  }

  /// The canonical text: `10.0.0.0/8`; a single address has no prefix length.
  package var text: String {
    prefix == base.bytes.count * 8 ? base.text : "\(base.text)/\(prefix)"
  }

  private static func decimal(_ digits: Substring) -> Int? {
    guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return Int(digits)
  }
}
