// SPDX-License-Identifier: Apache-2.0

import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Answers each line with a mebibyte: more than the system takes for one who does not read. A number is answered with
/// itself, that many times ten.
private final class TalkativeRole: LineRole {
  static let answer = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20) + [0x0A]

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    if let number = Int(String(decoding: line, as: UTF8.self)) {
      output.bytes += Array((String(repeating: "\(number) ", count: 10 * number) + "\n").utf8)
    } else {
      output.bytes += Self.answer
    }
    return .next
  }
}

/// Many who ask and do not take their answers.
@Suite struct SlowReaderTests {
  private func with(_ limits: LineLimits, _ gate: ConnectionGate, _ body: (String) async throws -> Void) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let directory = try TemporaryDirectory()
    let path = directory.file("socket")
    let server = try await LineServer.start(.unix(path: path), group: group, limits: limits, gate: gate) { _ in
      TalkativeRole()
    }
    do { try await body(path) } catch {
      await server.drain(within: .milliseconds(1))
      try? await group.shutdownGracefully()
      throw error
    }
    await server.drain(within: .milliseconds(1))
    try await group.shutdownGracefully()
  }

  /// Those who would go beyond the budget lose their connection; the others get their whole answers.
  @Test func `slow readers together hold no more than the budget`() async throws {
    let budget = LineBudget(limit: 2 << 20)
    let gate = ConnectionGate(limit: 100, limitOfAddress: 100, output: budget)
    var limits = LineLimits(line: 1024)
    limits.tightWriteStall = .seconds(60)
    try await with(limits, gate) { path in
      var readers = try (0..<16).map { _ in try RawConnection(path: path) }
      #expect(await eventually { gate.count == 16 })
      for reader in readers { try reader.send("{}") }
      #expect(await eventually { gate.count < 8 })
      #expect(gate.count > 0)
      #expect((1...2 << 20).contains(budget.total))
      let isAnswered = readers.filter { (try? $0.line()) != nil }.count
      #expect(isAnswered > 0)
      readers = []
      #expect(await eventually { gate.count == 0 && budget.total == 0 })
    }
  }

  /// What the system does not take at once waits in the channel; what comes after it must not overtake it.
  @Test func `answers to a slow reader come whole and in order`() async throws {
    try await with(LineLimits(line: 1024), ConnectionGate(limit: 100, limitOfAddress: 100)) { path in
      let reader = try RawConnection(path: path)
      let numbers = (0..<400).map { $0 % 97 == 0 ? 3_000 : $0 % 50 }
      let answers = numbers.map { String(repeating: "\($0) ", count: 10 * $0) }
      for start in stride(from: 0, to: numbers.count, by: 40) {
        try reader.send(numbers[start..<start + 40].map(String.init).joined(separator: "\n"))
        guard start % 80 == 40 else { continue }
        for place in start - 40..<start + 40 {
          let isRight = try reader.line() == answers[place]
          #expect(isRight, "answer \(place)")
        }
      }
    }
  }

  @Test func `slow readers are dropped sooner while much is held`() async throws {
    var limits = LineLimits(line: 1024)
    limits.writeStall = .seconds(3600)
    limits.tightWriteStall = .milliseconds(10)
    let gate = ConnectionGate(limit: 100, limitOfAddress: 100, output: LineBudget(limit: 1 << 20))
    try await with(limits, gate) { path in
      let reader = try RawConnection(path: path)
      try reader.send("{}")
      #expect(await eventually { gate.output.total > 0 })
      #expect(await eventually { gate.count == 0 && gate.output.total == 0 })
    }
  }
}
