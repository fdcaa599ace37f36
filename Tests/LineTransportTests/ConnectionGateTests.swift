// SPDX-License-Identifier: Apache-2.0

import LineTransport
import NIOCore
import Testing

@Suite struct ConnectionGateTests {
  private func address(_ host: String) throws -> SocketAddress {
    try SocketAddress(ipAddress: host, port: 1)
  }

  @Test func `connections are counted in total and per address`() throws {
    let gate = ConnectionGate(limit: 3, limitOfAddress: 2)
    #expect(gate.enter(try address("192.0.2.1")) == nil)
    #expect(gate.enter(try address("192.0.2.1")) == nil)
    #expect(gate.enter(try address("192.0.2.1")) == .tooManyOfAddress(limit: 2))
    #expect(gate.enter(try address("192.0.2.2")) == nil)
    #expect(gate.enter(try address("192.0.2.3")) == .tooMany(limit: 3))
    gate.leave(try address("192.0.2.1"))
    #expect(gate.enter(try address("192.0.2.1")) == nil)
    #expect(gate.count == 3)
  }

  @Test func `number of refusals at a time is limited`() {
    let gate = ConnectionGate(limit: 0, limitOfAddress: 0, refusalLimit: 2)
    #expect((0..<3).map { _ in gate.beginRefusal() } == [true, true, false])
    gate.endRefusal()
    #expect(gate.beginRefusal())
    #expect(gate.count == 0)
  }

  @Test func `connections from this machine are not counted per address`() throws {
    let gate = ConnectionGate(limit: 10, limitOfAddress: 1)
    for host in ["127.0.0.1", "127.0.0.1", "::1", "::1"] { #expect(gate.enter(try address(host)) == nil) }
    #expect(gate.enter(nil) == nil)
    #expect(gate.enter(nil) == nil)
  }

  @Test(arguments: [
    ("::ffff:192.0.2.7", "192.0.2.7", false, false), ("127.0.0.9", "127.0.0.9", true, false),
    ("fe80::1", "fe80::1", false, true), ("169.254.1.1", "169.254.1.1", false, true),
    ("2001:db8::1", "2001:db8::1", false, false), ("::ffff:127.0.0.1", "127.0.0.1", true, false),
  ])
  func `addresses are written in their usual form`(
    _ text: String, _ host: String, _ isLoopback: Bool, _ isLinkLocal: Bool
  ) throws {
    let address = try address(text)
    #expect(address.hostText == host)
    #expect(address.isLoopback == isLoopback)
    #expect(address.isLinkLocal == isLinkLocal)
  }
}
