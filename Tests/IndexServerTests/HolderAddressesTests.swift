// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import IndexServer
import NIOCore
import Testing

@Suite struct HolderAddressesTests {
  // MARK: What may be advertised

  @Test func `nothing may be advertised by default`() throws {
    #expect(!HolderAddresses().mayAdvertise(try #require(HostAddress("192.0.2.1"))))
  }

  @Test(arguments: [("192.0.2.1", true), ("198.51.100.1", false), ("2001:db8::1", true), ("2001:db9::1", false)])
  func `ranges decide what may be advertised`(address: String, isAllowed: Bool) throws {
    let addresses = try HolderAddresses(advertisable: [AddressRange("192.0.2.0/24"), AddressRange("2001:db8::/32")])
    #expect(addresses.mayAdvertise(try #require(HostAddress(address))) == isAllowed)
  }

  @Test(
    arguments: [
      "127.0.0.1", "127.9.9.9", "169.254.1.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
      "febf::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.0.1",
    ])
  func `addresses that others cannot reach are never advertised`(address: String) throws {
    let everything = try HolderAddresses(advertisable: [AddressRange("0.0.0.0/0"), AddressRange("::/0")])
    #expect(!everything.mayAdvertise(try #require(HostAddress(address))))
  }

  @Test(
    arguments: [
      ("2001:DB8:0::0001", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("192.0.2.1", "192.0.2.1"),
    ])
  func `address has one spelling`(typed: String, written: String) {
    #expect(HostAddress(typed)?.text == written)
  }

  @Test(arguments: ["", "example.org", "192.0.2", "192.0.2.256", "fe80::1%eth0", "192.0.2.1:80", " 192.0.2.1"])
  func `only addresses are addresses`(text: String) {
    #expect(HostAddress(text) == nil)
  }

  // MARK: What is seen

  private func origin(_ remote: String, _ local: String) throws -> Origin {
    Origin(
      remote: try SocketAddress(ipAddress: remote, port: 5), local: try SocketAddress(ipAddress: local, port: 7734))
  }

  @Test func `mapped address is seen as IPv4`() throws {
    let origin = try origin("::ffff:192.0.2.7", "::ffff:192.0.2.1")
    #expect(origin.host == "192.0.2.7")
    #expect(origin.asker == Asker(reachedAt: "192.0.2.1"))
  }

  @Test(arguments: [("169.254.3.4", true), ("fe80::9", true), ("192.0.2.7", false), ("2001:db8::9", false)])
  func `link-local origins are recognized`(remote: String, isLinkLocal: Bool) throws {
    #expect(try origin(remote, remote).isLinkLocal == isLinkLocal)
  }

  @Test(arguments: ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
  func `clients on this machine are recognized`(remote: String) throws {
    #expect(try origin(remote, remote).asker.reachedAt == nil)
  }

  @Test func `Unix socket counts as this machine`() throws {
    let origin = Origin(remote: try SocketAddress(unixDomainSocketPath: "/x"), local: nil)
    #expect(origin.host == "127.0.0.1")
    #expect(origin.asker.reachedAt == nil)
  }

  // MARK: What is reported

  @Test(arguments: [("127.0.0.1", "192.0.2.1"), ("::1", "2001:db8::1"), ("127.0.0.1", "2001:db8::1")])
  func `loopback holder is reported under the address that the client reached`(holder: String, reachedAt: String) {
    #expect(HolderAddresses.reported(holder, to: Asker(reachedAt: reachedAt)) == reachedAt)
  }

  @Test(arguments: ["127.0.0.1", "::1", "192.0.2.7", "2001:db8::7"])
  func `addresses are reported unchanged on the same machine`(holder: String) {
    #expect(HolderAddresses.reported(holder, to: Asker(reachedAt: nil)) == holder)
  }

  @Test(arguments: ["192.0.2.7", "2001:db8::7", "12.7.0.1"])
  func `other holders are reported unchanged`(holder: String) {
    #expect(HolderAddresses.reported(holder, to: Asker(reachedAt: "192.0.2.1")) == holder)
  }
}
