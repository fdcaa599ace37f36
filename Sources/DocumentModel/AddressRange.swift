// SPDX-License-Identifier: Apache-2.0

/// A range of addresses in CIDR notation (RFC 4632): `10.0.0.0/8`, `2001:db8::/32`, or one address.
package struct AddressRange: Hashable, Sendable {
  private let base: HostAddress
  /// In bits.
  private let prefix: Int

  package init(_ text: String) throws(InvalidValue) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let base = HostAddress(String(parts[0])) else {
      throw InvalidValue("a range of addresses is written like 10.0.0.0/8 or 2001:db8::/32")
    }
    let most = base.bytes.count * 8
    guard let prefix = parts.count == 1 ? most : Self.decimal(parts[1]), prefix <= most else {
      throw InvalidValue("after the slash stands a number from 0 to \(most)")
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

  /// As it is written: `10.0.0.0/8`, one address without its length.
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
