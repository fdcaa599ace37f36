// SPDX-License-Identifier: Apache-2.0

import LineJSON
import LineTransport
import NIOCore
import NIOEmbedded
import Testing

/// Answers each line with itself; "busy" waits, "close" ends, "body N" takes N raw bytes.
private final class EchoRole: LineRole {
  var connection: (any LineConnection)?
  var isClosed = false
  var body = ""

  func opened(_ connection: any LineConnection) { self.connection = connection }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    let text = String(decoding: line, as: UTF8.self)
    output.bytes += Array(text.utf8) + [0x0A]
    switch text {
    case "busy": return .busy
    case "pause": return .pause
    case "close": return .close
    case "body 3": return .body(3)
    default: return .next
    }
  }

  func received(body: ByteBuffer, output: inout JSONWriter) -> LineVerdict {
    self.body += String(buffer: body)
    return .next
  }

  func receivedTooLong(output: inout JSONWriter) { output.bytes += Array("too long\n".utf8) }
  func closed() { isClosed = true }
}

@Suite struct LineHandlerTests {
  private struct Fixture {
    let channel: EmbeddedChannel
    let role = EchoRole()

    init(line: Int = 16, budget: LineBudget? = nil) throws {
      channel = EmbeddedChannel()
      let handler = LineHandler(
        role: role, limits: LineLimits(line: line), eventLoop: channel.eventLoop, input: budget)
      try channel.pipeline.syncOperations.addHandler(handler)
      try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func write(_ text: String) throws {
      try channel.writeInbound(ByteBuffer(string: text))
    }

    /// Each flush that left, as text.
    func written() throws -> [String] {
      var texts = [String]()
      while let buffer = try channel.readOutbound(as: ByteBuffer.self) { texts.append(String(buffer: buffer)) }
      return texts
    }
  }

  @Test func answersAllLinesOfOneReadInOneWrite() throws {
    let fixture = try Fixture()
    try fixture.write("a\nb\nc\nd")
    #expect(try fixture.written() == ["a\nb\nc\n"])
    try fixture.write("\n")
    #expect(try fixture.written() == ["d\n"])
  }

  @Test func answersByteByByte() throws {
    let fixture = try Fixture()
    for byte in "one\ntwo\n" { try fixture.write(String(byte)) }
    #expect(try fixture.written() == ["one\n", "two\n"])
  }

  @Test func handsOutNothingWhileTheRoleIsBusy() throws {
    let fixture = try Fixture()
    try fixture.write("busy\nnext\n")
    #expect(try fixture.written() == ["busy\n"])
    fixture.role.connection?.resume()
    #expect(try fixture.written() == ["next\n"])
  }

  @Test func letsOthersHaveTheirTurnBetweenLinesThatTakeLong() throws {
    let fixture = try Fixture()
    try fixture.write("pause\npause\nnext\n")
    #expect(try fixture.written() == ["pause\n"])
    fixture.channel.embeddedEventLoop.advanceTime(by: .microseconds(99))
    #expect(try fixture.written() == [])
    fixture.channel.embeddedEventLoop.advanceTime(by: .microseconds(1))
    #expect(try fixture.written() == ["pause\n"])
    fixture.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
    #expect(try fixture.written() == ["next\n"])
  }

  @Test func takesRawBytesBetweenLines() throws {
    let fixture = try Fixture()
    try fixture.write("body 3\nab")
    try fixture.write("cnext\n")
    #expect(fixture.role.body == "abc")
    #expect(try fixture.written() == ["body 3\n", "next\n"])
  }

  @Test func answersALineThatIsTooLongAndThrowsTheRestAway() throws {
    let fixture = try Fixture(line: 4)
    try fixture.write("12345678\nx\n")
    try fixture.write("more\n")
    #expect(try fixture.written() == ["too long\n"])
    fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
    #expect(fixture.role.isClosed)
  }

  @Test func answersEverythingBeforeItEndsOnAHalfClosedConnection() throws {
    let fixture = try Fixture()
    try fixture.write("busy\nlast\n")
    fixture.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    #expect(!fixture.role.isClosed)
    fixture.role.connection?.resume()
    #expect(try fixture.written() == ["busy\n", "last\n"])
    fixture.channel.embeddedEventLoop.run()
    #expect(fixture.role.isClosed)
  }

  @Test func allConnectionsTogetherHoldNoMoreThanTheBudget() throws {
    let budget = LineBudget(limit: 100_000)
    let first = try Fixture(line: 1 << 20, budget: budget)
    let second = try Fixture(line: 1 << 20, budget: budget)
    try first.write(String(repeating: "x", count: 150_000))
    #expect(budget.total == 150_000 - 65_536)
    try second.write(String(repeating: "y", count: 10_000))
    #expect(!second.role.isClosed)
    try second.write(String(repeating: "y", count: 100_000))
    second.channel.embeddedEventLoop.run()
    #expect(second.role.isClosed)
    try first.write("\n")
    #expect(budget.total == 0)
    #expect(!first.role.isClosed)
  }

  @Test(arguments: [false, true]) func whatWaitedForTheRoleLeavesTheBudgetWithIt(_ isClosed: Bool) throws {
    let budget = LineBudget(limit: 100_000)
    let fixture = try Fixture(line: 1 << 20, budget: budget)
    try fixture.write("busy\n" + String(repeating: "x", count: 100_000) + "\n")
    #expect(budget.total == 100_001 - 65_536)
    if isClosed { fixture.role.connection?.close() } else { fixture.role.connection?.resume() }
    #expect(budget.total == 0)
  }

  @Test func saysNothingAfterClose() throws {
    let fixture = try Fixture()
    try fixture.write("close\nx\n")
    #expect(try fixture.written() == ["close\n"])
  }

  @Test func stopsWhileTheOtherSideTakesNoAnswers() throws {
    let fixture = try Fixture()
    fixture.channel.isWritable = false
    try fixture.write("a\n")
    #expect(try fixture.written() == [])
    fixture.channel.isWritable = true
    fixture.channel.pipeline.fireChannelWritabilityChanged()
    #expect(try fixture.written() == ["a\n"])
  }

  @Test func givesUpOnAReaderThatTakesNothing() throws {
    let fixture = try Fixture()
    fixture.channel.isWritable = false
    try fixture.write("a\n")
    fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(31))
    #expect(fixture.role.isClosed)
  }
}
