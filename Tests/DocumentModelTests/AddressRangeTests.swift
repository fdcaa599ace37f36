// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Testing

@Suite struct AddressRangeTests {
  private func contains(_ range: String, _ address: String) throws -> Bool {
    try AddressRange(range).contains(#require(HostAddress(address)))
  }

  @Test(
    arguments: [
      ("10.0.0.0/8", "10.255.255.255"), ("192.0.2.64/26", "192.0.2.127"), ("192.0.2.7", "192.0.2.7"),
      ("192.0.2.7/32", "192.0.2.7"), ("0.0.0.0/0", "203.0.113.1"), ("2001:db8::/32", "2001:db8:ffff::1"),
      ("2001:db8::1", "2001:DB8:0:0::1"), ("::/0", "2001:db8::1"), ("192.0.2.0/23", "192.0.3.255"),
      ("10.0.0.0/8", "::ffff:10.1.2.3"), ("2001:db8:8000::/33", "2001:db8:8000::"),
    ])
  func `a range contains its addresses`(range: String, address: String) throws {
    #expect(try contains(range, address))
  }

  @Test(
    arguments: [
      ("10.0.0.0/8", "11.0.0.0"), ("192.0.2.64/26", "192.0.2.128"), ("192.0.2.64/26", "192.0.2.63"),
      ("192.0.2.7", "192.0.2.8"), ("0.0.0.0/0", "2001:db8::1"), ("::/0", "192.0.2.1"), ("2001:db8::/32", "2001:db9::"),
      ("2001:db8:8000::/33", "2001:db8:7fff::"),
    ])
  func `a range leaves out others`(range: String, address: String) throws {
    #expect(try !contains(range, address))
  }

  @Test(arguments: ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::/0", "2001:db8::1"])
  func `a range is written as it was read`(text: String) throws {
    #expect(try AddressRange(text).text == text)
  }

  @Test(
    arguments: [
      "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/ 8", "10/8",
      "2001:db8::/129", "localhost/8", "10.0.0.0/99999999999999999999", "fe80::1%eth0/64", "10.0.0.0\u{0}/8",
    ])
  func `malformed ranges are refused`(_ text: String) {
    #expect(throws: InvalidValue.self) { try AddressRange(text) }
  }
}
