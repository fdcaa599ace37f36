// SPDX-License-Identifier: Apache-2.0

import LineJSON
package import NIOCore
import NIOTLS

/// Frames, hands out and answers the lines of one connection on its event loop, as `LineConnectionMachine` decides.
///
/// The answers to all lines of one read leave in one write. Nothing is read while the role is busy or while the peer does
/// not take its answers, so one connection holds at most one read, one line, one chunk of output and one answer; the
/// budgets of the server bound what all connections hold together.
package final class LineHandler<Role: LineRole>: ChannelInboundHandler {
  package typealias InboundIn = ByteBuffer
  package typealias OutboundOut = ByteBuffer

  package let eventLoop: any EventLoop
  package let turns: LoopTurns
  /// Whether the connections of the loop take turns: those of a server.
  private let takesTurns: Bool
  let role: Role
  private let limits: LineLimits
  private let writesDirectly: Bool
  let onStanding: (ConnectionStanding) -> Void
  private var input: LineBudgetShare
  private var output: LineBudgetShare
  // Used on the event loop only, and by no call that calls the role: the runtime need not check this for each line.
  @exclusivity(unchecked) var machine: LineConnectionMachine
  @exclusivity(unchecked) private var frames: LineFrames
  private(set) var context: ChannelHandlerContext?
  /// Its socket, if what is written may go there directly.
  var socket: DirectSocket?
  private var scratch: LineScratch?
  /// Decides what the connection speaks; `nil` once it has, and where no TLS is offered. Set before the handler is added.
  var acceptor: TLSAcceptor?
  /// `nil` on plain connections. A client sets it before the handler is added; its role knows of the connection when the
  /// handshake is completed.
  var link: (any TLSLink)?
  /// Whether the role knows of the connection.
  private var hasBegun = false
  /// Whether the last turn was used up: the next ones wait for those of others.
  private var isHeavy = false
  /// A long line that waits for a turn of its own.
  private var held: LineFrames.Frame?
  /// Whether the role goes on with its line.
  var isSliced = false
  /// Of the line on which the role works meanwhile, in bytes.
  private var busyBytes = 0
  package private(set) var turnEnd: NIODeadline
  private var stallTimer: Scheduled<Void>?
  /// When the line that has not ended began, or was last made progress with.
  private var lineBegan: NIODeadline?
  private var lineTimer: Scheduled<Void>?
  package private(set) var lastReceived: NIODeadline

  /// - Parameters:
  ///   - turns: shared with the other connections of the loop; `nil` if it need not share.
  ///   - input: bounds the lines that all connections of a server hold.
  ///   - output: the same for answers.
  ///   - writesDirectly: whether the channel is a plain socket, and this its only handler that writes.
  ///   - onStanding: gets what the role says by `stand`.
  package init(
    role: Role, limits: LineLimits, eventLoop: any EventLoop, turns: LoopTurns? = nil, writesDirectly: Bool = false,
    input: LineBudgetShare = LineBudgetShare(of: nil, block: nil) { _ in },
    output: LineBudgetShare = LineBudgetShare(of: nil, block: nil) { _ in },
    onStanding: @escaping (ConnectionStanding) -> Void = { _ in }
  ) {
    self.eventLoop = eventLoop
    takesTurns = turns != nil
    self.turns = turns ?? LoopTurns(of: eventLoop, pause: limits.pause)
    self.role = role
    self.limits = limits
    self.writesDirectly = writesDirectly
    self.onStanding = onStanding
    self.input = input
    self.output = output
    machine = LineConnectionMachine(discardBytes: limits.discardBytes)
    frames = LineFrames(lineLimit: limits.line)
    lastReceived = eventLoop.now
    turnEnd = lastReceived
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
    if let acceptor, !isPlain(incoming, acceptor) { return }
    switch machine.received(bytes: incoming.readableBytes) {
    case .keep:
      // NIOSSL decrypts into the same buffer again. If that were kept, it would copy all of it, old bytes included, first.
      frames.append(link == nil ? incoming : ByteBuffer(bytes: incoming.readableBytesView))
      takeTurn(from: lastReceived)
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
    takeTurn(from: eventLoop.now)
    readMore()
  }

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case ChannelEvent.inputClosed:
      switch machine.inputEnded() {
      case .none: break
      case .beginTurn: takeLastTurn()
      case .awaitReader: startStallTimer()
      case .abort: abort()
      }
    case is AbortEvent: abort()
    case TLSUserEvent.handshakeCompleted:
      if link?.completed() == true { begin() } else { abort() }
    case is DrainEvent:
      // A connection that is accepted while the listener closes is closed by NIO.
      if context.channel.isActive, machine.drainRequested() == .askRole { askToDrain() }
    default:
      context.fireUserInboundEventTriggered(event)
    }
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    link?.failed(error)
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
    if link == nil || link?.provenPeer != nil {
      hasBegun = true
      if writesDirectly, link == nil, let context { socket = DirectSocket(of: context.channel) }
      scratch = .current
      role.opened(self)
    }
    readMore()
  }

  /// Hands out what has arrived, as far as the role and the peer keep up, and until the turn is used up.
  /// - Parameter isAwaited: whether others had their turns before.
  private func takeTurn(from start: NIODeadline, isAwaited: Bool = false) {
    if machine.beginTurn() {
      if isHeavy, !isAwaited {
        yield()
      } else {
        isHeavy = false
        turnEnd = start + LoopTurns.turn
        let scratch = scratch ?? .current
        var output = scratch.takeWriter()
        handOut(&output, isAwaited: isAwaited)
        scratch.giveBack(output)
      }
      perform(machine.endTurn(isWritable: isWritable))
    }
    keepToInputBudget()
  }

  /// The peer sends nothing more. Connections end in their turn: thousands that do so at once would keep all others waiting.
  private func takeLastTurn() {
    guard takesTurns else { return perform(.beginTurn) }
    turns.wait { [self] in perform(.beginTurn) }
  }

  private func handOut(_ output: inout JSONWriter, isAwaited: Bool) {
    var (isExhausted, hasHanded) = (false, false)
    var cost = TurnCost()
    // Asked once and after each write: only our own writes make it false.
    var canWrite = isWritable
    repeat {
      while canWrite, machine.handsOut {
        let before = output.bytes.count
        guard let step = nextStep(isAwaited: isAwaited, &output) else { break }
        machine.beginLine()
        let verdict = carryOut(step, &output)
        isExhausted = step.isEnd && verdict == .next
        hasHanded = hasHanded || !step.isEnd
        isSliced = verdict == .again
        busyBytes = verdict == .busy ? step.length : 0
        cost.add(bytes: step.length + output.bytes.count - before)
        if output.bytes.count >= limits.outputChunk {
          flush(&output)
          canWrite = isWritable
        }
        perform(machine.endLine(verdict), &output)
        if isExhausted { break }
        if takesTurns, cost.isLarge {
          cost = TurnCost()
          if eventLoop.now >= turnEnd { yield() }
        }
      }
      flush(&output)
      canWrite = isWritable
      // The role may have resumed while its answer was written.
    } while canWrite && !isExhausted && machine.handsOut
    watchLine(isExhausted: isExhausted, isNew: hasHanded)
  }

  /// - Returns: `nil` if the turn is over.
  private func nextStep(isAwaited: Bool, _ output: inout JSONWriter) -> TurnStep? {
    if isSliced { return .work }
    if let frame = held.take() { return .frame(frame) }
    let answered = frames.takeLines { role.received(lines: $0, room: limits.outputChunk, output: &output) }
    if answered > 0 { return .answered(answered) }
    guard let frame = frames.next(bodyLimit: frames.isInBody ? role.bodyLimit : .max) else { return .end }
    if takesTurns, !isAwaited, frame.length > TurnCost.longLine, case .line = frame {
      held = frame
      yield()
      return nil
    }
    return .frame(frame)
  }

  /// Goes on when it is the connection's turn again.
  private func yield() {
    isHeavy = true
    if machine.yield() { startPause() }
  }

  private func carryOut(_ step: TurnStep, _ output: inout JSONWriter) -> LineVerdict {
    switch step {
    case .work: role.advance(output: &output)
    case .answered: .next
    case .end: role.linesEnded(output: &output)
    case .frame(let frame): hand(frame, &output)
    }
  }

  private func hand(_ frame: LineFrames.Frame, _ output: inout JSONWriter) -> LineVerdict {
    switch frame {
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

  private func startPause() {
    turns.wait { [self] in perform(machine.pauseElapsed()) }
  }

  func perform(_ action: LineConnectionMachine.WakeAction) {
    switch action {
    case .none: break
    case .beginTurn:
      takeTurn(from: eventLoop.now, isAwaited: true)
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

  private func startStallTimer() {
    guard stallTimer == nil, context != nil else { return }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    let timeout = output.isTight ? limits.tightWriteStall : limits.writeStall
    stallTimer = eventLoop.scheduleTask(in: timeout) { bound.value.abort() }
  }

  // MARK: Budgets

  /// After a turn, what is left is the beginning of a line, or waits for the role, the reader or the next turn.
  private func keepToInputBudget() {
    input.hold(frames.bufferedBytes + (held?.length ?? 0) + busyBytes)
  }

  /// Counts only if the system does not take what we write: usually it does.
  func keepToOutputBudget() {
    guard output.isLimited, let channel = context?.channel, !output.isEmpty || !channel.isWritable else { return }
    output.hold(channel.isWritable ? 0 : (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0)
  }

  /// A line that has begun must end in time. One timer per connection, and none between lines.
  /// - Parameter isNew: whether another line has ended in this turn.
  private func watchLine(isExhausted: Bool, isNew: Bool) {
    guard limits.lineTime != nil else { return }
    let isBegun = isExhausted && frames.bufferedBytes > 0 && machine.handsOut
    guard isBegun else { return lineBegan = nil }
    guard isNew || lineBegan == nil else { return }
    lineBegan = lastReceived
    if lineTimer == nil { checkLine() }
  }

  private func checkLine() {
    lineTimer = nil
    guard let lineTime = limits.lineTime, let lineBegan, context != nil else { return }
    let deadline = lineBegan + lineTime
    guard eventLoop.now >= deadline else {
      let bound = NIOLoopBound(self, eventLoop: eventLoop)
      lineTimer = eventLoop.scheduleTask(deadline: deadline) { bound.value.checkLine() }
      return
    }
    send { role.lineTimedOut(output: &$0) }
    close()
  }

  // MARK: The end

  /// Half-closes and goes on reading for a while: closing with unread input would reset the connection, and the peer would
  /// lose the last answer.
  func linger() {
    frames.discard()
    held = nil
    lineBegan = nil
    keepToInputBudget()
    guard let context else { return }
    // Nothing is on its way in either direction.
    if machine.isInputEnded, let socket, socket.isIdle { return abort() }
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
      socket = nil
      stallTimer?.cancel()
      stallTimer = nil
      lineTimer?.cancel()
      lineTimer = nil
      frames.discard()
      held = nil
      input.release()
      output.release()
      if hasBegun { role.closed() }
    }
  }
}
