// SPDX-License-Identifier: Apache-2.0

package import LineJSON
package import NIOCore
package import POSIXSupport

/// Frames, hands out and answers the lines of one connection on its event loop, as `LineConnectionMachine` decides.
///
/// The answers to all lines of one read leave in one write. Nothing is read while the role is busy or while the peer does
/// not take its answers, so one connection holds at most one read, one line, one chunk of output and one answer; the
/// budgets of the server bound what all connections hold together.
package final class LineHandler<Role: LineRole>: ChannelInboundHandler {
  package typealias InboundIn = ByteBuffer
  package typealias OutboundOut = ByteBuffer

  package let eventLoop: any EventLoop
  private let role: Role
  private let limits: LineLimits
  private var input: LineBudgetShare
  private var output: LineBudgetShare
  // Used on the event loop only, and by no call that calls the role: the runtime need not check this for each line.
  @exclusivity(unchecked) private var machine: LineConnectionMachine
  @exclusivity(unchecked) private var frames: LineFrames
  private var context: ChannelHandlerContext?
  /// Whether the role knows of the connection.
  private var hasBegun = false
  private var stallTimer: Scheduled<Void>?
  package private(set) var lastReceived: NIODeadline

  /// - Parameters:
  ///   - input: bounds the lines that all connections of a server hold; a connection that would exceed it is closed.
  ///   - output: the same for answers.
  package init(
    role: Role, limits: LineLimits, eventLoop: any EventLoop, input: LineBudget? = nil, output: LineBudget? = nil
  ) {
    self.eventLoop = eventLoop
    self.role = role
    self.limits = limits
    self.input = LineBudgetShare(of: input)
    self.output = LineBudgetShare(of: output)
    machine = LineConnectionMachine(discardBytes: limits.discardBytes)
    frames = LineFrames(lineLimit: limits.line)
    lastReceived = eventLoop.now
  }

  // MARK: Events of the channel

  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { begin() }
  }

  package func channelActive(context: ChannelHandlerContext) {
    begin()
  }

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let incoming = unwrapInboundIn(data)
    lastReceived = eventLoop.now
    switch machine.received(bytes: incoming.readableBytes) {
    case .keep:
      frames.append(incoming)
      takeTurn()
    case .discard: break
    case .abort: abort()
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
    takeTurn()
    readMore()
  }

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case ChannelEvent.inputClosed:
      switch machine.inputEnded() {
      case .none: break
      case .beginTurn:
        takeTurn()
        readMore()
      case .awaitReader: startStallTimer()
      case .abort: abort()
      }
    case is DrainEvent:
      // A connection that is accepted while the listener closes is closed by NIO.
      if context.channel.isActive, machine.drainRequested() == .askRole { askToDrain() }
    default:
      context.fireUserInboundEventTriggered(event)
    }
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    abort()
  }

  package func channelInactive(context: ChannelHandlerContext) {
    release()
  }

  package func handlerRemoved(context: ChannelHandlerContext) {
    release()
  }

  // MARK: Turns

  private func begin() {
    // A handler that is added while the channel becomes active sees both events.
    guard !hasBegun else { return }
    hasBegun = true
    role.opened(self)
    readMore()
  }

  /// Hands out what has arrived, as far as the role and the peer keep up.
  private func takeTurn() {
    if machine.beginTurn() {
      let scratch = LineScratch.current
      var output = scratch.takeWriter()
      handOut(&output)
      scratch.giveBack(output)
      perform(machine.endTurn(isWritable: isWritable))
    }
    keepToInputBudget()
  }

  private func handOut(_ output: inout JSONWriter) {
    var isExhausted = false
    // Asked once and after each write: only our own writes make it false.
    var canWrite = isWritable
    repeat {
      while canWrite, machine.handsOut {
        let frame = frames.next(bodyLimit: frames.isInBody ? role.bodyLimit : .max)
        machine.beginLine()
        let verdict = hand(frame, &output)
        isExhausted = frame == nil && verdict == .next
        if output.bytes.count >= limits.outputChunk {
          flush(&output)
          canWrite = isWritable
        }
        perform(machine.endLine(verdict), &output)
        if isExhausted { break }
      }
      flush(&output)
      canWrite = isWritable
      // The role may have resumed while its answer was written.
    } while canWrite && !isExhausted && machine.handsOut
  }

  /// - Parameter frame: `nil` if none is left.
  private func hand(_ frame: LineFrames.Frame?, _ output: inout JSONWriter) -> LineVerdict {
    switch frame {
    case nil: return role.linesEnded(output: &output)
    case .line(let line):
      return line.withUnsafeReadableBytes { role.received(line: $0, output: &output) }
    case .body(let bytes):
      return role.received(body: bytes, output: &output)
    case .tooLong:
      // Is cut again after what the role has collected.
      let verdict = role.linesEnded(output: &output)
      guard verdict == .next else { return verdict }
      role.receivedTooLong(output: &output)
      return .close
    }
  }

  private func perform(_ action: LineConnectionMachine.LineAction, _ output: inout JSONWriter) {
    switch action {
    case .none: break
    case .expectBody(let count): frames.expectBody(count)
    case .startPause: startPause()
    case .linger:
      flush(&output)
      linger()
    }
  }

  /// A task for now would run before the loop looks at its sockets again; one for the near future does not.
  private func startPause() {
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.scheduleTask(in: limits.pause) {
      let handler = bound.value
      handler.perform(handler.machine.pauseElapsed())
    }
  }

  private func perform(_ action: LineConnectionMachine.WakeAction) {
    switch action {
    case .none: break
    case .beginTurn:
      takeTurn()
      readMore()
    }
  }

  private func readMore() {
    switch machine.readMore(isWritable: isWritable) {
    case .none: break
    case .read: context?.read()
    case .awaitReader: startStallTimer()
    }
  }

  // MARK: Writing

  private var isWritable: Bool { context?.channel.isWritable ?? false }

  private func flush(_ output: inout JSONWriter) {
    guard let context, !output.bytes.isEmpty else { return }
    let buffer = context.channel.allocator.buffer(bytes: output.bytes)
    output.bytes.removeAll(keepingCapacity: true)
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    keepToOutputBudget()
  }

  private func startStallTimer() {
    guard stallTimer == nil, context != nil else { return }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    let timeout = output.isTight ? limits.tightWriteStall : limits.writeStall
    stallTimer = eventLoop.scheduleTask(in: timeout) { bound.value.abort() }
  }

  // MARK: Budgets

  /// After a turn, what is left is the beginning of a line, or waits for the role or the reader.
  private func keepToInputBudget() {
    if !input.hold(frames.bufferedBytes) { abort() }
  }

  /// Counts only if the system does not take what we write: usually it does.
  private func keepToOutputBudget() {
    guard output.isLimited, let channel = context?.channel, !output.isEmpty || !channel.isWritable else { return }
    let buffered = channel.isWritable ? 0 : (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    if !output.hold(buffered) { abort() }
  }

  // MARK: The end

  private func askToDrain() {
    var isAgreed = false
    send { isAgreed = role.draining(output: &$0) }
    if isAgreed { perform(machine.drain(isWritable: isWritable)) }
  }

  private func perform(_ action: LineConnectionMachine.EndAction) {
    switch action {
    case .none: break
    case .linger: linger()
    }
  }

  /// Half-closes and goes on reading for a while: closing with unread input would reset the connection, and the peer would
  /// lose the last answer.
  private func linger() {
    frames.discard()
    keepToInputBudget()
    guard let context else { return }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    let closed = eventLoop.makePromise(of: Void.self)
    closed.futureResult.whenComplete { _ in
      let handler = bound.value
      handler.perform(handler.machine.outputClosed())
    }
    context.close(mode: .output, promise: closed)
    eventLoop.scheduleTask(in: limits.discardTime) {
      let handler = bound.value
      handler.perform(handler.machine.discardTimeElapsed())
    }
    readMore()
  }

  private func perform(_ action: LineConnectionMachine.LingerAction) {
    switch action {
    case .none: break
    case .awaitReader: startStallTimer()
    case .abort: abort()
    }
  }

  private func release() {
    switch machine.channelClosed() {
    case .none: break
    case .release:
      context = nil
      stallTimer?.cancel()
      stallTimer = nil
      frames.discard()
      input.release()
      output.release()
      if hasBegun { role.closed() }
    }
  }
}

// MARK: What the role may ask for

extension LineHandler: LineConnection {
  package var remoteAddress: SocketAddress? { context?.remoteAddress }
  package var localAddress: SocketAddress? { context?.localAddress }

  package var credentials: PeerCredentials? {
    let read = { (descriptor: NIOBSDSocket.Handle) in PeerCredentials.read(from: descriptor) }
    let found = try? context?.pipeline.syncOperations.withUnsafeTransportIfAvailable(read)
    return found ?? nil
  }

  package func send(_ write: (inout JSONWriter) -> Void) {
    guard context != nil else { return }
    let scratch = LineScratch.current
    var output = scratch.takeWriter()
    write(&output)
    flush(&output)
    scratch.giveBack(output)
  }

  package func send(bytes: ByteBuffer) -> EventLoopFuture<Void> {
    guard let context else { return eventLoop.makeFailedFuture(ChannelError.alreadyClosed) }
    let promise = eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
    keepToOutputBudget()
    return promise.futureResult
  }

  package func send(region: FileRegion) -> EventLoopFuture<Void> {
    guard let context else { return eventLoop.makeFailedFuture(ChannelError.alreadyClosed) }
    let promise = eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(NIOAny(region), promise: promise)
    return promise.futureResult
  }

  package func resume() {
    perform(machine.resume())
  }

  package func close() {
    perform(machine.close())
  }

  package func abort() {
    context?.close(mode: .all, promise: nil)
  }
}
