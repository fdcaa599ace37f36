// SPDX-License-Identifier: Apache-2.0

/// Addresses that count as one in limits per address: an IPv4 address, or the /64 of an IPv6 address, because one host has
/// all of it.
package struct AddressBlock: Hashable, Sendable {
  /// How many blocks of an IPv6 /48 may use their whole limit: a site has 65,536 of them.
  package static let sharesOfSite = 4

  private let bits: UInt64
  private let length: UInt8
  private let isIPv6: Bool

  package init(_ host: HostAddress) {
    isIPv6 = host.isIPv6
    length = host.isIPv6 ? 64 : 32
    bits = host.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  private init(site block: AddressBlock) {
    isIPv6 = true
    length = 48
    bits = block.bits & ~0xFFFF
  }

  /// The /48 of an IPv6 block; `nil` for others.
  package var site: AddressBlock? { isIPv6 && length == 64 ? AddressBlock(site: self) : nil }

  /// `192.0.2.7` or `2001:db8:1:2::/64`.
  package var text: String {
    guard isIPv6 else {
      return (0..<4).map { String(bits >> (24 - 8 * UInt64($0)) & 0xFF) }.joined(separator: ".")
    }
    let groups = (0..<Int(length) / 16).map { String(bits >> (48 - 16 * UInt64($0)) & 0xFFFF, radix: 16) }
    return (HostAddress(groups.joined(separator: ":") + "::")?.text ?? "") + "/\(length)"
  }
}
