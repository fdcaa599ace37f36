// SPDX-License-Identifier: Apache-2.0

import LineJSON
import LineTransport
import NIOCore
import NIOEmbedded
import Testing

/// How connections end: by the role, by the peer, by a drain.
@Suite struct LineHandlerEndTests {
  // MARK: By the role

  @Test func `nothing is answered after close`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("a\nclose\nx\n")
    #expect(try lines.written() == ["a\nclose\n"])
    try lines.receive("y\n")
    #expect(try lines.written() == [])
    #expect(lines.isHalfClosed && lines.isOpen)
  }

  @Test func `close while a line is handled keeps the answers`() throws {
    let lines = try EmbeddedLines { $0.onLine = { $0.close() } }
    try lines.receive("a\nb\n")
    #expect(try lines.written() == ["a\n"])
    #expect(lines.isHalfClosed)
  }

  @Test func `abort while a line is handled ends everything`() throws {
    let lines = try EmbeddedLines { $0.onLine = { $0.abort() } }
    try lines.receive("busy\nb\n")
    #expect(lines.role.isClosed && !lines.isOpen)
    lines.role.connection?.resume()
    lines.role.connection?.close()
    #expect(try lines.written() == [])
  }

  @Test func `line that is too long is answered and the rest discarded`() throws {
    let lines = try EmbeddedLines(line: 4)
    try lines.receive("1234\n12345678\nx\n")
    try lines.receive("more\n")
    #expect(try lines.written() == ["1234\ntoo long\n"])
    lines.pass(.milliseconds(999))
    #expect(!lines.role.isClosed)
    lines.pass(.milliseconds(1))
    #expect(lines.role.isClosed)
  }

  @Test func `peer that goes on sending is cut off`() throws {
    let lines = try EmbeddedLines(discardBytes: 10)
    try lines.receive("close\n")
    try lines.receive("0123456789")
    #expect(lines.isOpen)
    try lines.receive("0")
    #expect(!lines.isOpen)
  }

  @Test func `slow reader gets the last answer after the discard time`() throws {
    let lines = try EmbeddedLines(flushes: false)
    try lines.receive("close\n")
    lines.pass(.seconds(2))
    #expect(lines.isOpen)
    lines.flushed()
    #expect(!lines.isOpen)
  }

  @Test func `slow reader of the last answer is dropped after the stall time`() throws {
    let lines = try EmbeddedLines(flushes: false)
    try lines.receive("close\n")
    lines.pass(.seconds(30))
    #expect(lines.isOpen)
    lines.pass(.seconds(1))
    #expect(!lines.isOpen)
  }

  @Test func `peer that closes after the last answer ends the lingering`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("close\n")
    lines.endInput()
    #expect(!lines.isOpen && lines.role.isClosed)
  }

  @Test func `peer that closes early still gets the last answer`() throws {
    let lines = try EmbeddedLines(flushes: false)
    try lines.receive("close\n")
    lines.endInput()
    #expect(lines.isOpen)
    lines.flushed()
    #expect(!lines.isOpen)
  }

  @Test func `bytes of the peer stay in no budget while a connection lingers`() throws {
    let budget = LineBudget(limit: 1 << 20)
    let lines = try EmbeddedLines(line: 1 << 20, discardBytes: 1 << 20, input: budget)
    try lines.receive("close\n" + String(repeating: "x", count: 100_000))
    try lines.receive(String(repeating: "x", count: 100_000))
    #expect(budget.total == 0)
  }

  // MARK: By the peer

  @Test func `everything is answered on a half-closed connection`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("busy\nlast\n")
    lines.endInput()
    #expect(!lines.isHalfClosed)
    lines.role.connection?.resume()
    #expect(try lines.written() == ["busy\n", "last\n"])
    #expect(lines.role.isClosed)
  }

  @Test(arguments: [true, false])
  func `collected lines are answered on a half-closed connection`(isTogether: Bool) throws {
    let lines = try EmbeddedLines()
    if isTogether { lines.channel.isWritable = false }
    try lines.receive("+1\n+2\nhalf a li")
    lines.endInput()
    if isTogether { lines.setWritable(true) }
    #expect(!lines.isHalfClosed)
    lines.role.finish()
    #expect(try lines.written() == ["+1\n+2\n"])
    #expect(lines.role.isClosed)
  }

  @Test func `collected lines are answered before a line that is too long`() throws {
    let lines = try EmbeddedLines(line: 4)
    try lines.receive("+1\n12345678")
    #expect(try lines.written() == [])
    lines.role.finish()
    #expect(try lines.written() == ["+1\n", "too long\n"])
    #expect(lines.isHalfClosed)
  }

  @Test func `collected lines are answered before a drained connection ends`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("+1\n")
    lines.drain()
    lines.role.finish()
    #expect(try lines.written() == ["bye\n", "+1\n"])
    #expect(lines.isHalfClosed)
  }

  @Test func `idle connection ends with the input`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("a\nhalf a li")
    lines.endInput()
    #expect(try lines.written() == ["a\n"])
    #expect(lines.role.isClosed)
  }

  @Test func `role hears of the end once and of nothing after it`() throws {
    let lines = try EmbeddedLines()
    try lines.channel.close().wait()
    #expect(lines.role.isClosed)
    lines.role.connection?.send { $0.bytes += [0x78] }
    lines.drain()
    lines.endInput()
    lines.pass(.hours(1))
    #expect(lines.role.drainRequests == 0)
    #expect(throws: ChannelError.alreadyClosed) { try lines.role.connection?.send(bytes: ByteBuffer()).wait() }
  }

  @Test func `error of the channel closes it`() throws {
    let lines = try EmbeddedLines()
    lines.channel.pipeline.fireErrorCaught(IOError(errnoCode: 104, reason: "read"))
    #expect(lines.role.isClosed)
  }

  // MARK: By a drain

  @Test func `idle connection says goodbye and ends`() throws {
    let lines = try EmbeddedLines()
    lines.drain()
    #expect(try lines.written() == ["bye\n"])
    #expect(lines.isHalfClosed)
  }

  @Test func `busy connection answers first`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("busy\nnext\n")
    lines.drain()
    lines.drain()
    #expect(lines.role.drainRequests == 1)
    #expect(!lines.isHalfClosed)
    lines.role.connection?.resume()
    #expect(try lines.written() == ["busy\n", "bye\n", "next\n"])
    #expect(lines.isHalfClosed)
  }

  @Test func `paused connection answers first`() throws {
    let lines = try EmbeddedLines()
    try lines.receive("pause\nnext\n")
    lines.drain()
    lines.pass(.milliseconds(1))
    #expect(try lines.written() == ["pause\n", "bye\n", "next\n"])
    #expect(lines.isHalfClosed)
  }

  @Test func `blocked connection answers before it ends`() throws {
    let lines = try EmbeddedLines()
    lines.channel.isWritable = false
    try lines.receive("a\n")
    lines.drain()
    #expect(!lines.isHalfClosed)
    lines.setWritable(true)
    #expect(try lines.written() == ["bye\n", "a\n"])
    #expect(lines.isHalfClosed)
  }

  @Test func `role that refuses to drain goes on`() throws {
    let lines = try EmbeddedLines { $0.agreesToDrain = false }
    lines.drain()
    try lines.receive("a\n")
    #expect(try lines.written() == ["a\n"])
    #expect(!lines.isHalfClosed)
    lines.role.agreesToDrain = true
    lines.drain()
    #expect(lines.isHalfClosed)
  }
}
