// SPDX-License-Identifier: Apache-2.0

package import LineJSON
package import NIOCore
package import POSIXSupport

/// Frames, hands out and answers the lines of one connection, all in one place on its event loop.
///
/// The answers to all lines of one read leave in one write. Nothing is read while the role is busy or while the other side
/// does not take its answers, so what a connection can make us hold is bounded by one read, one line, one chunk of output
/// and one answer; what all can make us hold together, by the budgets of their server.
package final class LineHandler<Role: LineRole>: ChannelInboundHandler {
  package typealias InboundIn = ByteBuffer
  package typealias OutboundOut = ByteBuffer

  private enum Phase {
    /// Lines are read. To `lingering` by an answer that ends the connection, to `closed`.
    case open
    /// All is said and our side is half-closed; what still comes is thrown away so that no reset overtakes the last
    /// answer. To `closed` when the other side has closed, or after a time or a number of bytes.
    case lingering(bytesLeft: Int)
    case closed
  }

  package let eventLoop: any EventLoop
  private let role: Role
  private let limits: LineLimits
  private let input: LineBudget?
  private let output: LineBudget?
  /// What of the budgets this connection has.
  private var heldInput = 0
  private var heldOutput = 0
  // Used on the event loop only and by no call twice at once, which the runtime need not check for each line.
  @exclusivity(unchecked) private var frames: LineFrames
  private var context: ChannelHandlerContext?
  private var phase = Phase.open
  private var isBusy = false
  private var isProcessing = false
  private var isDraining = false
  private var inputEnded = false
  private var stallTimer: Scheduled<Void>?
  private var received: NIODeadline

  /// - Parameters:
  ///   - input: what all connections of a server may hold of lines; one that would exceed it is closed.
  ///   - output: the same of answers.
  package init(
    role: Role, limits: LineLimits, eventLoop: any EventLoop, input: LineBudget? = nil, output: LineBudget? = nil
  ) {
    self.eventLoop = eventLoop
    self.role = role
    self.limits = limits
    self.input = input
    self.output = output
    frames = LineFrames(lineLimit: limits.line)
    received = eventLoop.now
  }

  // MARK: Events of the channel

  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { begin(context) }
  }

  package func channelActive(context: ChannelHandlerContext) {
    begin(context)
  }

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let incoming = unwrapInboundIn(data)
    received = eventLoop.now
    switch phase {
    case .open:
      frames.append(incoming)
      process()
    case .lingering(let bytesLeft):
      let left = bytesLeft - incoming.readableBytes
      phase = .lingering(bytesLeft: left)
      if left < 0 { abort() }
    case .closed: break
    }
  }

  package func channelReadComplete(context: ChannelHandlerContext) {
    readMore()
  }

  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    guard context.channel.isWritable else { return }
    stallTimer?.cancel()
    stallTimer = nil
    keepToOutputBudget()
    process()
    readMore()
  }

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case ChannelEvent.inputClosed:
      inputEnded = true
      if case .open = phase { process() } else { abort() }
    case is DrainEvent:
      drain()
    default:
      context.fireUserInboundEventTriggered(event)
    }
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    abort()
  }

  package func channelInactive(context: ChannelHandlerContext) {
    finish()
  }

  package func handlerRemoved(context: ChannelHandlerContext) {
    finish()
  }

  // MARK: Lines in, answers out

  private func begin(_ context: ChannelHandlerContext) {
    role.opened(self)
    if case .open = phase { context.read() }
  }

  /// Hands out what has come, as far as the role and the other side keep up.
  private func process() {
    guard !isProcessing else { return }
    isProcessing = true
    let scratch = LineScratch.current
    var output = scratch.takeWriter()
    // Asked once and after each write: only what we write makes it false.
    var canWrite = isWritable
    while case .open = phase, !isBusy, canWrite, let frame = frames.next() {
      let verdict = hand(frame, &output)
      if output.bytes.count >= limits.outputChunk {
        flush(&output)
        canWrite = isWritable
      }
      carryOut(verdict, &output)
    }
    flush(&output)
    scratch.giveBack(output)
    isProcessing = false
    keepToInputBudget()
    endIfDone()
  }

  private func hand(_ frame: LineFrames.Frame, _ output: inout JSONWriter) -> LineVerdict {
    switch frame {
    case .line(let line):
      return line.withUnsafeReadableBytes { role.received(line: $0, output: &output) }
    case .body(let bytes):
      return role.received(body: bytes, output: &output)
    case .tooLong:
      role.receivedTooLong(output: &output)
      return .close
    }
  }

  private func carryOut(_ verdict: LineVerdict, _ output: inout JSONWriter) {
    switch verdict {
    case .next: break
    case .body(let count): frames.expectBody(count)
    case .busy: isBusy = true
    case .pause: pause()
    case .close:
      flush(&output)
      linger()
    }
  }

  /// A task for this very moment would run before the loop looks at its sockets again; one for the near future does not.
  private func pause() {
    isBusy = true
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.scheduleTask(in: limits.pause) { bound.value.resume() }
  }

  private func endIfDone() {
    guard case .open = phase, !isBusy else { return }
    // Unread whole lines remain only while the other side does not take its answers.
    if inputEnded && isWritable { return linger() }
    if isDraining && isWritable { linger() }
  }

  private func readMore() {
    guard let context, !inputEnded else { return }
    switch phase {
    case .open:
      if isBusy { return }
      if isWritable { context.read() } else { startStallTimer() }
    case .lingering: context.read()
    case .closed: break
    }
  }

  private var isWritable: Bool { context?.channel.isWritable ?? false }

  private func flush(_ output: inout JSONWriter) {
    guard let context, !output.bytes.isEmpty else { return }
    let buffer = context.channel.allocator.buffer(bytes: output.bytes)
    output.bytes.removeAll(keepingCapacity: true)
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    keepToOutputBudget()
  }

  private func startStallTimer() {
    guard stallTimer == nil, let context else { return }
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    let timeout = output?.isTight == true ? limits.tightWriteStall : limits.writeStall
    stallTimer = context.eventLoop.scheduleTask(in: timeout) { bound.value.abort() }
  }

  // MARK: The end

  /// Half-closes and goes on reading for a while: closing with unread input would reset the connection, and the other
  /// side would lose the last answer.
  private func linger() {
    guard case .open = phase, let context else { return }
    phase = .lingering(bytesLeft: limits.discardBytes - frames.discard())
    keepToInputBudget()
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    let flushed = context.eventLoop.makePromise(of: Void.self)
    context.close(mode: .output, promise: flushed)
    if inputEnded {
      flushed.futureResult.whenComplete { _ in bound.value.abort() }
      startStallTimer()
      return
    }
    context.eventLoop.scheduleTask(in: limits.discardTime) { bound.value.abortWhenFlushed() }
    context.read()
  }

  /// At the end of the lingering: what a slow reader has not taken yet gets the time of a stalled write, no more.
  private func abortWhenFlushed() {
    if isWritable { abort() } else { startStallTimer() }
  }

  private func drain() {
    guard case .open = phase, !isDraining, let context else { return }
    var output = LineScratch.current.takeWriter()
    isDraining = role.draining(output: &output)
    flush(&output)
    LineScratch.current.giveBack(output)
    if context.channel.isActive { endIfDone() }
  }

  /// What is left when lines were handed out is the beginning of one, or waits for a role or a reader.
  private func keepToInputBudget() {
    let held = max(0, frames.bufferedBytes - LineBudget.free)
    guard held != heldInput, let input else { return }
    guard input.change(by: held - heldInput) else { return abort() }
    heldInput = held
  }

  /// Counts only where the system does not take what we write: usually it does.
  private func keepToOutputBudget() {
    guard let output, let channel = context?.channel, heldOutput > 0 || !channel.isWritable else { return }
    let buffered = channel.isWritable ? 0 : (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    let held = max(0, buffered - LineBudget.free)
    guard output.change(by: held - heldOutput) else { return abort() }
    heldOutput = held
  }

  private func finish() {
    guard context != nil else { return }
    _ = input?.change(by: -heldInput)
    _ = output?.change(by: -heldOutput)
    (heldInput, heldOutput) = (0, 0)
    context = nil
    phase = .closed
    stallTimer?.cancel()
    stallTimer = nil
    _ = frames.discard()
    role.closed()
  }
}

// MARK: What the role may ask for

extension LineHandler: LineConnection {
  package var remoteAddress: SocketAddress? { context?.remoteAddress }
  package var localAddress: SocketAddress? { context?.localAddress }
  package var lastReceived: NIODeadline { received }

  package func send(_ write: (inout JSONWriter) -> Void) {
    guard context != nil else { return }
    let scratch = LineScratch.current
    var output = scratch.takeWriter()
    write(&output)
    flush(&output)
    scratch.giveBack(output)
  }

  package var credentials: PeerCredentials? {
    let read = { (descriptor: NIOBSDSocket.Handle) in PeerCredentials.read(from: descriptor) }
    let found = try? context?.pipeline.syncOperations.withUnsafeTransportIfAvailable(read)
    return found ?? nil
  }

  package func send(bytes: ByteBuffer) -> EventLoopFuture<Void> {
    guard let context else { return eventLoop.makeFailedFuture(ChannelError.alreadyClosed) }
    let promise = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
    keepToOutputBudget()
    return promise.futureResult
  }

  package func send(region: FileRegion) -> EventLoopFuture<Void> {
    guard let context else { return eventLoop.makeFailedFuture(ChannelError.alreadyClosed) }
    let promise = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(NIOAny(region), promise: promise)
    return promise.futureResult
  }

  package func resume() {
    guard isBusy else { return }
    isBusy = false
    process()
    readMore()
  }

  package func close() {
    linger()
  }

  package func abort() {
    context?.close(mode: .all, promise: nil)
  }
}
