// SPDX-License-Identifier: Apache-2.0

import LineTransport
import NIOCore
import NIOEmbedded
import Testing

/// Lines in, answers out.
@Suite struct LineHandlerTests {
  // MARK: Framing

  @Test func `answers to all lines of one read leave in one write`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("a\nb\nc\nd")
    #expect(try lines.written() == ["a\nb\nc\n"])
    try lines.receive("\n")
    #expect(try lines.written() == ["d\n"])
  }

  @Test func `lines may arrive byte by byte`() throws {
    let lines = try EmbeddedLines()
    for byte in "one\ntwo\n" { try lines.receive(String(byte)) }
    #expect(try lines.written() == ["one\n", "two\n"])
  }

  @Test func `raw bytes between lines go to the role`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("body 3\nab")
    try lines.receive("cnext\n")
    #expect(lines.role.body == "abc")
    #expect(try lines.written() == ["body 3\n", "next\n"])
  }

  @Test(arguments: [1, 2, 3, 5, 100])
  func `framing does not depend on how bytes arrive`(size: Int) throws {
    let lines = try EmbeddedLines()
    let stream = Array("a\nbody 3\nx\nynext\n\nbody 3\n\n\n\nlast\n".utf8)
    for start in stride(from: 0, to: stream.count, by: size) {
      let part = stream[start..<min(start + size, stream.count)]
      try lines.receive(String(decoding: part, as: UTF8.self))
    }
    #expect(lines.role.body == "x\ny\n\n\n")
    #expect(try lines.written().joined() == "a\nbody 3\nnext\n\nbody 3\nlast\n")
  }

  @Test func `answers are written early once they fill a chunk`() throws {
    let line = String(repeating: "x", count: 100_000)
    let lines = try EmbeddedLines(line: 100_000)
    try lines.receive(Array(repeating: line + "\n", count: 6).joined())
    #expect(try lines.written().map(\.utf8.count) == [300_003, 300_003])
  }

  // MARK: Busy and paused

  @Test func `busy role gets no line until it resumes`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("busy\nnext\n")
    #expect(try lines.written() == ["busy\n"])
    let reads = lines.reads
    try lines.receive("more\n")
    #expect(lines.reads == reads, "nothing is read meanwhile")
    lines.role.connection?.resume()
    #expect(try lines.written() == ["next\nmore\n"])
    #expect(lines.reads == reads + 1)
  }

  @Test func `role that resumes before it returns busy gets the next line`() throws {
    let lines = try EmbeddedLines { $0.onLine = { $0.resume() } }
    try lines.receive("busy\nbusy\nnext\n")
    #expect(try lines.written() == ["busy\nbusy\nnext\n"])
    try lines.receive("again\n")
    #expect(try lines.written() == ["again\n"])
  }

  @Test func `resume without busy has no effect`() throws {
    let lines = try EmbeddedLines()
    lines.role.connection?.resume()
    lines.role.onLine = { if lines.role.drainRequests == 0 { $0.resume() } }
    try lines.receive("a\n")
    lines.role.onLine = nil
    try lines.receive("busy\nb\n")
    #expect(try lines.written() == ["a\n", "busy\n"])
  }

  @Test func `paused connection waits for its time and not for the role`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("pause\npause\nnext\n")
    #expect(try lines.written() == ["pause\n"])
    lines.role.connection?.resume()
    lines.pass(.microseconds(99))
    #expect(try lines.written() == [])
    lines.pass(.microseconds(1))
    #expect(try lines.written() == ["pause\n"])
    lines.pass(.milliseconds(1))
    #expect(try lines.written() == ["next\n"])
  }

  // MARK: Turns

  @Test func `work in slices goes on in later turns and before the next line`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("again\nnext\n")
    #expect(try lines.written() == ["again\n"])
    lines.pass(.microseconds(100))
    #expect(try lines.written() == ["slice 1\n"])
    lines.pass(.microseconds(100))
    #expect(try lines.written() == ["slice 2\nnext\n"])
  }

  @Test func `connection that uses its turn up waits for those of others`() throws {
    let lines = try EmbeddedLines(takesTurns: true)
    // Each line takes a tenth of a turn.
    lines.role.onLine = { _ in lines.pass(.microseconds(50)) }
    try lines.receive(String(repeating: "x\n", count: 100))
    #expect(try lines.written().joined().count == 2 * 16, "the clock is read after every 16 lines")
    // It stays behind others until a turn is not used up.
    lines.pass(.milliseconds(50))
    #expect(try lines.written().joined().count == 2 * 84)
    lines.role.onLine = nil
    try lines.receive("a\n")
    #expect(try lines.written() == ["a\n"])
  }

  @Test func `long line waits for a turn of its own`() throws {
    let lines = try EmbeddedLines(line: 100_000, takesTurns: true)
    let long = String(repeating: "x", count: 50_000) + "\n"
    try lines.receive("a\n" + long + "b\n")
    #expect(try lines.written() == ["a\n"])
    lines.pass(.microseconds(100))
    #expect(try lines.written() == [long + "b\n"])
  }

  // MARK: Lines that do not end

  @Test func `line that has begun has to end in time`() throws {
    let lines = try EmbeddedLines(lineTime: .seconds(30))
    try lines.receive("a\nb")
    lines.pass(.seconds(20))
    try lines.receive("b")
    lines.pass(.seconds(10))
    #expect(try lines.written() == ["a\n", "too slow\n"])
    #expect(lines.isHalfClosed)
  }

  @Test func `lines that end in time and silence between lines are no reason to close`() throws {
    let lines = try EmbeddedLines(lineTime: .seconds(30))
    for _ in 0..<5 {
      try lines.receive("a\nb")
      lines.pass(.seconds(29))
    }
    try lines.receive("\n")
    lines.pass(.minutes(10))
    #expect(!lines.isHalfClosed && lines.isOpen)
  }

  // MARK: Slow readers

  @Test func `nothing is handed out while the peer takes no answers`() throws {
    let lines = try EmbeddedLines()
    lines.channel.isWritable = false
    try lines.receive("a\n")
    #expect(try lines.written() == [])
    lines.setWritable(true)
    #expect(try lines.written() == ["a\n"])
  }

  @Test func `reader that takes nothing is dropped after the stall time`() throws {
    let lines = try EmbeddedLines()
    lines.channel.isWritable = false
    try lines.receive("a\n")
    lines.pass(.seconds(29))
    #expect(!lines.role.isClosed)
    lines.pass(.seconds(1))
    #expect(lines.role.isClosed)
  }

  @Test func `reader that takes something gets the stall time again`() throws {
    let lines = try EmbeddedLines()
    lines.channel.isWritable = false
    try lines.receive("a\n")
    lines.pass(.seconds(29))
    lines.setWritable(true)
    lines.channel.isWritable = false
    try lines.receive("b\n")
    lines.pass(.seconds(29))
    #expect(!lines.role.isClosed)
    lines.pass(.seconds(1))
    #expect(lines.role.isClosed)
  }

  @Test func `half-closed reader that takes nothing is dropped too`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("busy\nb\n")
    lines.endInput()
    lines.channel.isWritable = false
    lines.role.connection?.resume()
    lines.pass(.seconds(30))
    #expect(lines.role.isClosed)
  }

  // MARK: Budgets

  @Test func `all connections together hold no more than the budget`() throws {
    let budget = LineBudget(limit: 100_000)
    let first = try EmbeddedLines(line: 1 << 20, input: budget)
    let second = try EmbeddedLines(line: 1 << 20, input: budget)
    try first.receive(String(repeating: "x", count: 90_000))
    #expect(budget.total == 90_000 - LineBudget.free)
    try second.receive(String(repeating: "y", count: 10_000))
    #expect(!second.role.isClosed)
    try second.receive(String(repeating: "y", count: 60_000))
    #expect(first.isEvicted && !second.isEvicted, "who has held bytes for longest goes")
    #expect(budget.total == 70_000 - LineBudget.free)
    try second.receive("\n")
    #expect(budget.total == 0)
  }

  @Test(arguments: [false, true]) func `waiting lines leave the budget with the role`(isClosed: Bool) throws {
    let budget = LineBudget(limit: 100_000)
    let lines = try EmbeddedLines(line: 1 << 20, input: budget)
    try lines.receive("busy\n" + String(repeating: "x", count: 100_000) + "\n")
    #expect(budget.total == 100_005 - LineBudget.free, "with the line that the role works on")
    if isClosed { lines.role.connection?.close() } else { lines.role.connection?.resume() }
    #expect(budget.total == 0)
  }
}
