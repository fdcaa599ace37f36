// SPDX-License-Identifier: Apache-2.0

import LineJSON
import LineTransport
import NIOCore
import NIOEmbedded
import Synchronization

/// Answers each line with itself; the line may name a verdict. Lines that begin with a plus are collected, and answered
/// later.
final class EchoRole: LineRole {
  var connection: (any LineConnection)?
  private(set) var isClosed = false
  private(set) var slices = 0
  private(set) var body = ""
  private var collected = ""
  /// Called with each line, before its verdict is returned.
  var onLine: ((any LineConnection) -> Void)?
  var agreesToDrain = true
  private(set) var drainRequests = 0

  func opened(_ connection: any LineConnection) { self.connection = connection }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    let text = String(decoding: line, as: UTF8.self)
    if text.hasPrefix("+") {
      collected += text + "\n"
      return .next
    }
    output.bytes += Array(text.utf8) + [0x0A]
    if let connection { onLine?(connection) }
    switch text {
    case "busy": return .busy
    case "pause": return .pause
    case "again": return .again
    case "close": return .close
    case "body 3": return .body(3)
    default: return .next
    }
  }

  func linesEnded(output: inout JSONWriter) -> LineVerdict {
    collected.isEmpty ? .next : .busy
  }

  /// Answers what was collected.
  func finish() {
    connection?.send { $0.bytes += Array(collected.utf8) }
    collected = ""
    connection?.resume()
  }

  func received(body: ByteBuffer, output: inout JSONWriter) -> LineVerdict {
    self.body += String(buffer: body)
    return .next
  }

  /// Takes two slices.
  func advance(output: inout JSONWriter) -> LineVerdict {
    slices += 1
    output.bytes += Array("slice \(slices)\n".utf8)
    return slices % 2 == 0 ? .next : .again
  }

  func lineTimedOut(output: inout JSONWriter) { output.bytes += Array("too slow\n".utf8) }

  func receivedTooLong(output: inout JSONWriter) { output.bytes += Array("too long\n".utf8) }

  func draining(output: inout JSONWriter) -> Bool {
    drainRequests += 1
    if agreesToDrain { output.bytes += Array("bye\n".utf8) }
    return agreesToDrain
  }

  func closed() { isClosed = true }
}

/// A handler without a network, whose time the test moves.
///
/// `EmbeddedChannel` closes wholly where a socket closes one direction: a handler before ours keeps the half-closure, and
/// holds its promise back until the test says that all is flushed.
struct EmbeddedLines {
  let channel: EmbeddedChannel
  let role = EchoRole()
  private let halfClosure: HalfClosure
  private let evictions = Counter()

  init(
    line: Int = 16, discardBytes: Int = 1000, lineTime: TimeAmount? = nil, input: LineBudget? = nil,
    takesTurns: Bool = false, flushes: Bool = true, prepare: (EchoRole) -> Void = { _ in }
  ) throws {
    let halfClosure = HalfClosure(flushes: flushes)
    self.halfClosure = halfClosure
    channel = EmbeddedChannel()
    var limits = LineLimits(line: line)
    limits.discardBytes = discardBytes
    limits.lineTime = lineTime
    prepare(role)
    let handler = LineHandler(
      role: role, limits: limits, eventLoop: channel.eventLoop,
      turns: takesTurns ? LoopTurns(of: channel.eventLoop, pause: limits.pause) : nil,
      input: LineBudgetShare(of: input, block: nil) { [evictions] _ in evictions.increase() })
    try channel.pipeline.syncOperations.addHandlers([halfClosure, handler])
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
  }

  /// Whether a budget has had the connection closed.
  var isEvicted: Bool { evictions.count > 0 }
  /// Whether our side says nothing more.
  var isHalfClosed: Bool { halfClosure.isClosed }
  var isOpen: Bool { channel.isActive }
  /// How often more was to be read.
  var reads: Int { halfClosure.reads }

  func receive(_ text: String) throws {
    try channel.writeInbound(ByteBuffer(string: text))
  }

  /// Each write that left, as text.
  func written() throws -> [String] {
    var texts = [String]()
    while let buffer = try channel.readOutbound(as: ByteBuffer.self) { texts.append(String(buffer: buffer)) }
    return texts
  }

  func endInput() {
    channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
  }

  func drain() {
    channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
  }

  func setWritable(_ isWritable: Bool) {
    channel.isWritable = isWritable
    channel.pipeline.fireChannelWritabilityChanged()
  }

  func flushed() {
    halfClosure.flushed()
  }

  func pass(_ time: TimeAmount) {
    channel.embeddedEventLoop.advanceTime(by: time)
  }
}

private final class Counter: Sendable {
  private let value = Atomic<Int>(0)

  var count: Int { value.load(ordering: .relaxed) }

  func increase() { value.wrappingAdd(1, ordering: .relaxed) }
}

private final class HalfClosure: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer

  private let flushes: Bool
  private var promise: EventLoopPromise<Void>?
  private(set) var isClosed = false
  private(set) var reads = 0

  init(flushes: Bool) {
    self.flushes = flushes
  }

  func read(context: ChannelHandlerContext) {
    reads += 1
    context.read()
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .output else {
      self.promise?.fail(ChannelError.ioOnClosedChannel)
      self.promise = nil
      return context.close(mode: mode, promise: promise)
    }
    isClosed = true
    if flushes { promise?.succeed() } else { self.promise = promise }
  }

  func flushed() {
    promise?.succeed()
    promise = nil
  }
}
