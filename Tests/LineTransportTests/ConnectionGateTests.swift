// SPDX-License-Identifier: Apache-2.0

import LineTransport
import NIOCore
import Synchronization
import TestSupport
import Testing

@Suite struct ConnectionGateTests {
  private func address(_ host: String) throws -> SocketAddress {
    try SocketAddress(ipAddress: host, port: 1)
  }

  @Test func `connections are counted in total and per address`() throws {
    let gate = ConnectionGate(limit: 3, limitOfAddress: 2)
    let first = try gate.enter(address("192.0.2.1")).get()
    _ = try gate.enter(address("192.0.2.1")).get()
    #expect(try gate.enter(address("192.0.2.1")) == .failure(.tooManyOfAddress(limit: 2)))
    _ = try gate.enter(address("192.0.2.2")).get()
    #expect(try gate.enter(address("192.0.2.3")) == .failure(.tooMany(limit: 3)))
    gate.leave(first)
    _ = try gate.enter(address("192.0.2.1")).get()
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
    for host in ["127.0.0.1", "127.0.0.1", "::1", "::1"] { _ = try gate.enter(address(host)).get() }
    _ = try gate.enter(nil).get()
    _ = try gate.enter(nil).get()
    #expect(gate.count == 6)
  }

  @Test func `hosts of one network of IPv6 share a limit, and a site has four of these`() throws {
    let gate = ConnectionGate(limit: 100, limitOfAddress: 2)
    for network in 0..<4 {
      for host in 1...2 { _ = try gate.enter(address("2001:db8:1:\(network)::\(host)")).get() }
      #expect(
        try gate.enter(address("2001:db8:1:\(network):ffff::")) == .failure(.tooManyOfAddress(limit: 2)))
    }
    #expect(try gate.enter(address("2001:db8:1:4::1")) == .failure(.tooManyOfAddress(limit: 2)))
    _ = try gate.enter(address("2001:db8:2:1::1")).get()
  }

  @Test func `connection beyond the limit takes the place of the oldest that is not needed`() throws {
    let gate = ConnectionGate(limit: 3, limitOfAddress: 9, replacesOldest: true)
    let evicted = Mutex<[Int]>([])
    let numbers = try (0..<3).map { name in try gate.enter(nil) { _ in evicted.withLock { $0.append(name) } }.get() }
    gate.stand(numbers[0], as: .greeted)
    gate.stand(numbers[1], as: .needed)
    let fourth = try gate.enter(nil) { _ in evicted.withLock { $0.append(3) } }.get()
    #expect(evicted.withLock { $0 } == [2], "the one without hello")
    gate.stand(fourth, as: .needed)
    let fifth = try gate.enter(nil).get()
    #expect(evicted.withLock { $0 } == [2, 0], "the one without records")
    gate.stand(fifth, as: .needed)
    #expect(gate.enter(nil) == .failure(.tooMany(limit: 3)))
    for number in numbers { gate.leave(number) }
    #expect(gate.count == 2)
  }

  /// Any order of events: the one that goes is the oldest of the lowest standing, by the plain rule.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func `order of arrivals agrees with a plain list`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var order = ArrivalOrder()
    var plain = [(number: UInt64, standing: ConnectionStanding)]()
    for _ in 0..<500 {
      switch Int.random(in: 0..<6, using: &random) {
      case 0...2: plain.append((order.arrive(), .new))
      case 3:
        guard let place = plain.indices.randomElement(using: &random) else { continue }
        let next: ConnectionStanding = plain[place].standing == .new ? .greeted : .needed
        plain[place].standing = next
        order.stand(plain[place].number, as: next)
      case 4:
        guard let place = plain.indices.randomElement(using: &random) else { continue }
        order.leave(plain.remove(at: place).number)
      default:
        let oldest = order.takeOldest()
        let expected = plain.contains { $0.standing == .new } ? ConnectionStanding.new : .greeted
        #expect((oldest == nil) == plain.allSatisfy { $0.standing == .needed })
        #expect(plain.first { $0.number == oldest }?.standing == oldest.map { _ in expected })
        if expected == .new { #expect(oldest == plain.first { $0.standing == .new }?.number) }
        plain.removeAll { $0.number == oldest }
      }
      #expect(order.count == plain.count)
    }
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
