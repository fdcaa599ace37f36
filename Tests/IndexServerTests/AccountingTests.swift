// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import IndexServer
import LineJSON
import NIOCore
import TestSupport
import Testing
import WireProtocol

/// Whatever sessions do, in whatever order, and wherever in the middle they end: nothing is left of them.
@Suite struct AccountingTests {
  @Test(arguments: 1...6 as ClosedRange<UInt64>) func `nothing is left when everything has left`(seed: UInt64) throws {
    var walk = Walk(seed: seed)
    for _ in 0..<150 { try walk.step() }
    try walk.end()
    let service = walk.service
    #expect(service.isClear && service.bytes == IndexService().bytes)
    #expect(service.watchCount == 0 && service.untoldBytes == 0)
    let left = service.statistics
    #expect((left.records, left.sessions, left.peers) == (0, 0, 0))
    #expect((left.documents, left.keys) == (0, 0))
  }

  /// Connections with an event loop each, whose time moves only when the test says so.
  private struct Walk {
    private static let hosts = ["127.0.0.1", "192.0.2.1", "192.0.2.2", "2001:db8:1:1::1", "2001:db8:1:2::1"]
    private static let batch = 30

    let service: IndexService
    private var random: SeededGenerator
    private var open: [EmbeddedConnection] = []
    private var all: [EmbeddedConnection] = []
    private var watches = 0

    init(seed: UInt64) {
      var limits = IndexLimits()
      (limits.watches, limits.watchesPerAddress, limits.holders) = (5, 7, 2)
      (limits.recordsPerAddress, limits.memoryPerAddress) = (100, 200_000)
      service = IndexService(limits: limits)
      random = SeededGenerator(seed: seed)
    }

    mutating func step() throws {
      guard let connection = open.randomElement(using: &random), !random.once(in: 12) else { return try connect() }
      // Not all of them read meanwhile.
      let others = open.filter { _ in random.once(in: 3) }
      switch Int.random(in: 0..<12, using: &random) {
      case 0: try close(connection)
      case 1...3: _ = try connection.begin(bytes: line(Wire.add(documents())))
      case 4: _ = try connection.begin(bytes: line(removal()))
      case 5, 6: _ = try connection.begin(bytes: line(watch()))
      case 7: _ = try connection.begin(bytes: line(#"{"id":5,"op":"unwatch","watch":\#(number(1...6))}"#))
      case 8: _ = try connection.begin(bytes: line(#"{"id":6,"op":"list","words":"wo","limit":\#(number(1...40))}"#))
      case 9: _ = try connection.begin(bytes: Array(#"{"id":7,"op":"add","docu"#.utf8))
      case 10: _ = try connection.begin(bytes: line(Wire.add(documents())) + line(removal()) + line(watch()))
      default: connection.pass(.milliseconds(Int64(number(1...200))))
      }
      for other in others { other.pass(.microseconds(100)) }
      for other in all where random.once(in: 5) { _ = try other.written() }
    }

    mutating func end() throws {
      for connection in open { try close(connection) }
      for _ in 0..<50 {
        for connection in all { connection.pass(.milliseconds(100)) }
      }
    }

    private mutating func connect() throws {
      guard open.count < 6 else { return }
      let connection = try EmbeddedConnection(service, from: random.pick(Self.hosts))
      let name = "peer\(number(1...3))"
      try connection.send(Wire.hello(peer: random.once(in: 2) ? Wire.alice : Wire.bob, name: name))
      open.append(connection)
      all.append(connection)
    }

    private mutating func close(_ connection: EmbeddedConnection) throws {
      open.removeAll { $0 === connection }
      if connection.isOpen { try connection.close() }
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    private func line(_ text: String) -> [UInt8] { Array((text + "\n").utf8) }

    private mutating func documents() -> [String] {
      (0..<number(1...Self.batch)).map { _ in
        let key = random.pick(["file/", "data/x/", "rfc/"]) + "\(number(1...20))"
        let document = Wire.document(key, "word\(number(1...9)) and wo\(number(1...9))", content: number(1...12))
        return random.once(in: 4) ? document.dropLast() + #","complete":false}"# : document
      }
    }

    private mutating func removal() -> String {
      let ids = (0..<number(1...Self.batch)).map { _ in
        let key = random.pick(["file/", "data/x/", "rfc/"]) + "\(number(1...20))"
        return #"{"key":"\#(key)","content":"\#(Wire.root(number(1...12)))","size":10}"#
      }
      return #"{"id":4,"op":"remove","documents":[\#(ids.joined(separator: ","))]}"#
    }

    private mutating func watch() -> String {
      let filter = random.pick([
        "", #","prefix":"data/""#, #","words":"word3""#, #","key":"rfc/7""#, #","collection":"file""#,
        #","content":"\#(Wire.root(number(1...12)))","size":10"#,
      ])
      return #"{"id":8,"op":"watch"\#(filter)}"#
    }
  }
}
