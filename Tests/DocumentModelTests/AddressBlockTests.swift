// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Testing

@Suite struct AddressBlockTests {
  private func block(_ host: String) throws -> AddressBlock { try AddressBlock(#require(HostAddress(host))) }

  @Test(arguments: [
    ("192.0.2.7", "192.0.2.7", String?.none), ("::ffff:192.0.2.7", "192.0.2.7", nil), ("0.0.0.0", "0.0.0.0", nil),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"), ("fe80::1", "fe80::/64", "fe80::/48"),
  ])
  func `host counts as its address or its network`(_ host: String, _ text: String, _ site: String?) throws {
    #expect(try block(host).text == text)
    #expect(try block(host).site?.text == site)
    #expect(try block(host).site?.site == nil)
  }

  @Test func `hosts of one network are one block`() throws {
    #expect(try block("2001:db8::1") == block("2001:db8:0:0:ffff::"))
    #expect(try block("2001:db8::1") != block("2001:db8:0:1::1"))
    #expect(try block("2001:db8::1").site == block("2001:db8:0:1::1").site)
    #expect(try block("192.0.2.1") != block("192.0.2.2"))
  }
}

@Suite struct DigestPrefixTests {
  @Test func `prefix contains the digests that begin so`() throws {
    let prefix = try #require(DigestPrefix(hex: "0a1"))
    for (digits, isContained) in [("0a10", true), ("0a1f", true), ("0a20", false), ("0a0f", false)] {
      for filler in ["0", "f"] {
        let digest = try #require(Digest(hex: digits + String(repeating: filler, count: 60)))
        #expect(prefix.contains(digest) == isContained)
      }
    }
    #expect(prefix.hex == "0a1" && !prefix.isWhole)
  }

  @Test func `prefix of all digits is one digest`() throws {
    let digest = try #require(Digest(hex: String(repeating: "5c", count: 32)))
    #expect(DigestPrefix(digest) == DigestPrefix(hex: digest.hex))
    #expect(DigestPrefix(digest).isWhole && DigestPrefix(digest).contains(digest))
  }

  @Test(arguments: ["", "A", "0x", "g", " 1", String(repeating: "0", count: 65)])
  func `other text is no prefix`(text: String) {
    #expect(DigestPrefix(hex: text) == nil)
  }
}
