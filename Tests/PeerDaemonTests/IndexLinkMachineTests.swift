// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NIOCore
import PeerDaemon
import Testing

@Suite struct IndexLinkMachineTests {
  /// Always the largest value: jitter becomes a factor of just under 1.
  private struct Highest: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
  }

  private let start = NIODeadline.uptimeNanoseconds(0)

  private func connectedMachine() -> IndexLinkMachine {
    var machine = IndexLinkMachine()
    _ = machine.start()
    _ = machine.connected()
    _ = machine.greeted(at: start)
    return machine
  }

  @Test func `link connects, greets and announces`() {
    var machine = IndexLinkMachine()
    #expect(machine.start() == .connect)
    #expect(machine.start() == .nothing)
    #expect(machine.connected() == .sayHello)
    #expect(!machine.isConnected)
    #expect(machine.greeted(at: start) == .announce)
    #expect(machine.isConnected)
  }

  @Test func `an index that asks for TLS is connected again in the same try`() {
    var machine = IndexLinkMachine()
    #expect(machine.greetedOtherwise() == .nothing)
    _ = machine.start()
    _ = machine.connected()
    #expect(machine.greetedOtherwise() == .connect)
    #expect(!machine.hasTried && machine.state == .connecting)
    #expect(machine.connected() == .sayHello)
    #expect(machine.greeted(at: start) == .announce)
    #expect(machine.hasTried && machine.greetedOtherwise() == .nothing)
  }

  @Test func `reconnect after a good connection is immediate`() {
    var machine = connectedMachine()
    var random = Highest()
    #expect(machine.lost(at: start + .seconds(10), using: &random) == .wait(.zero))
    #expect(machine.timerFired() == .connect)
  }

  @Test func `pauses grow to a limit`() throws {
    var machine = IndexLinkMachine()
    var random = Highest()
    _ = machine.start()
    var waits = [Duration]()
    for _ in 0..<10 {
      guard case .wait(let wait) = machine.lost(at: start, using: &random) else { break }
      waits.append(wait)
      #expect(machine.timerFired() == .connect)
    }
    #expect(waits.first == .zero)
    #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(try #require(waits.last) <= IndexLinkMachine.longestPause)
    #expect(try #require(waits.last) > .seconds(2))
  }

  @Test func `short connection does not reset the pauses`() {
    var machine = connectedMachine()
    var random = Highest()
    #expect(machine.lost(at: start + .milliseconds(1), using: &random) == .wait(.zero))
    _ = machine.timerFired()
    _ = machine.connected()
    _ = machine.greeted(at: start)
    guard case .wait(let wait) = machine.lost(at: start + .milliseconds(1), using: &random) else {
      Issue.record("a loss leads to a wait")
      return
    }
    #expect(wait > .milliseconds(40))
  }

  /// An index that greets and then sends malformed replies, immediately or once its connection counts as good.
  @Test(arguments: [Duration.milliseconds(1), .milliseconds(2999), .seconds(3)])
  func `rate of connections is bounded`(_ held: Duration) {
    var random = Highest()
    var machine = IndexLinkMachine()
    var now = start
    var connections = 0
    _ = machine.start()
    while now < start + .seconds(600) {
      connections += 1
      _ = machine.connected()
      _ = machine.greeted(at: now)
      now = now + TimeAmount(held)
      guard case .wait(let wait) = machine.lost(at: now, using: &random) else { break }
      now = now + TimeAmount(wait)
      _ = machine.timerFired()
    }
    #expect(connections <= 215)
    #expect(connections > 50)
  }

  @Test func `retry_after is honoured up to a minute`() {
    var random = Highest()
    var machine = IndexLinkMachine()
    _ = machine.start()
    #expect(machine.lost(at: start, retryAfter: 7, using: &random) == .wait(.seconds(7)))
    _ = machine.timerFired()
    #expect(machine.lost(at: start, retryAfter: 86_400, using: &random) == .wait(.seconds(60)))
  }

  @Test func `new address is tried immediately`() {
    var random = Highest()
    var machine = IndexLinkMachine()
    #expect(machine.retarget() == .nothing)
    _ = machine.start()
    #expect(machine.retarget() == .connect)
    _ = machine.lost(at: start, using: &random)
    #expect(machine.retarget() == .connect)
    _ = machine.connected()
    #expect(machine.retarget() == .disconnect)
  }

  @Test func `loss is handled once`() {
    var machine = connectedMachine()
    var random = Highest()
    _ = machine.lost(at: start, using: &random)
    #expect(machine.lost(at: start, using: &random) == .nothing)
    #expect(machine.stop() == .disconnect)
    #expect(machine.timerFired() == .nothing)
  }

  @Test func `stop ends the first try`() {
    var machine = IndexLinkMachine()
    _ = machine.start()
    #expect(!machine.hasTried)
    #expect(machine.stop() == .disconnect)
    #expect(machine.hasTried)
  }

  @Test func `batches are limited in entries and bytes`() throws {
    let digest = try #require(Digest(hex: String(repeating: "ab", count: 32)))
    let content = try #require(Content(root: digest, size: 1))
    let documents = try (0..<1000).map { number in
      Document(
        key: try DocumentKey("file/\(number)"), title: Title(normalizing: String(repeating: "x", count: number % 512)),
        content: content, modified: Timestamp(seconds: 0))
    }
    let batches = AnnouncementBatches.cut(documents, most: 100, bytes: 50_000)
    #expect(batches.flatMap { $0 } == documents)
    #expect(batches.allSatisfy { $0.count <= 100 })
    #expect(batches.allSatisfy { $0.reduce(0) { $0 + $1.maxWireBytes } <= 50_000 })
    #expect(AnnouncementBatches.cut([Document](), most: 1, bytes: 1).isEmpty)
    #expect(AnnouncementBatches.cut(Array(documents.prefix(3)), most: 10, bytes: 1).count == 3)
  }
}
