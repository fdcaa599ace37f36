// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import IndexServer
import POSIXSupport
import Testing

@Suite struct TicketAddressesTests {
  private static let interfaces = [
    "127.0.0.1", "::1", "fe80::1", "2001:db8::7", "10.0.0.7", "169.254.3.3", "198.51.100.7",
  ]

  private func reachable(_ host: String, _ interfaces: [String] = interfaces) -> [String] {
    TicketAddresses.reachable(Endpoint(host: host, port: 7734), interfaces: interfaces).map(\.description)
  }

  @Test func `all addresses are those that mean the same elsewhere`() {
    let both = ["10.0.0.7:7734", "198.51.100.7:7734", "[2001:db8::7]:7734"]
    #expect(reachable("") == both)
    #expect(reachable("::") == both)
    #expect(reachable("0.0.0.0") == Array(both.prefix(2)))
  }

  @Test func `one address is itself`() {
    #expect(reachable("192.0.2.1") == ["192.0.2.1:7734"])
    #expect(reachable("127.0.0.1") == ["127.0.0.1:7734"])
  }

  @Test func `a machine without network has its loopback address`() {
    #expect(reachable("", ["127.0.0.1", "::1"]) == ["127.0.0.1:7734"])
    #expect(reachable("::", ["::1"]) == ["[::1]:7734"])
    #expect(reachable("0.0.0.0", []) == ["127.0.0.1:7734"])
  }

  @Test func `a ticket names no more than it may`() {
    let many = (0..<100).map { "10.0.0.\($0 + 1)" }
    #expect(reachable("", many).count == 16)
    let both = reachable("", many + ["2001:db8::7"])
    #expect(both.count == 16 && both.last == "[2001:db8::7]:7734")
  }

  @Test func `this machine has addresses`() {
    let all = InterfaceAddresses.all()
    #expect(all.contains("127.0.0.1") || all.contains("::1"))
    #expect(all.allSatisfy { HostAddress($0) != nil })
  }
}
