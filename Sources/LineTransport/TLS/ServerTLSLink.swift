// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NIOCore
import NIOSSL

/// The server's side of a TLS connection. Its handshake waits for its turn at the gate of the server, and each step of it for
/// one on the event loop: a crowd that arrives at once delays the requests of others no more than any crowd.
final class ServerTLSLink: TLSLink {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private enum State {
    /// For the gate.
    case waiting
    case running
    case completed
    case closed
  }

  private let ssl: NIOSSLServerHandler
  private let gate: HandshakeGate
  private let limits: HandshakeLimits
  private let chunk: Int
  private let turns: LoopTurns
  private var context: ChannelHandlerContext?
  private var state = State.waiting
  /// At the gate.
  private var number: UInt64?
  private var timer: Scheduled<Void>?
  /// Has arrived, and waits for its turn.
  private var input: ByteBuffer?
  private var received = 0
  private var hasTurn = false
  private(set) var provenPeer: PeerID?

  init(_ ssl: NIOSSLServerHandler, gate: HandshakeGate, _ limits: HandshakeLimits, chunk: Int, turns: LoopTurns) {
    self.ssl = ssl
    self.gate = gate
    self.limits = limits
    self.chunk = chunk
    self.turns = turns
  }

  var writeLimit: Int { chunk }

  // MARK: The handshake

  /// The first bytes have arrived.
  func begin(with input: ByteBuffer) {
    guard let context else { return }
    keep(input)
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    let loop = context.eventLoop
    number = gate.enter(ConnectionGate.block(of: context.remoteAddress)) {
      loop.execute { bound.value.run() }
    }
  }

  private func run() {
    guard case .waiting = state, let context else { return }
    state = .running
    watch(context.eventLoop, until: context.eventLoop.now + limits.time)
    takeTurn()
  }

  private func watch(_ loop: any EventLoop, until end: NIODeadline) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    timer = loop.scheduleTask(deadline: min(end, loop.now + limits.crowdedTime)) {
      let link = bound.value
      let isAwaited = link.number.map(link.gate.isAwaited) ?? false
      if loop.now >= end || isAwaited { link.abort() } else { link.watch(loop, until: end) }
    }
  }

  private func keep(_ bytes: ByteBuffer) {
    received += bytes.readableBytes
    guard received <= limits.bytes else { return abort() }
    var bytes = bytes
    if input == nil { input = bytes } else { input?.writeBuffer(&bytes) }
  }

  private func takeTurn() {
    guard case .running = state, input != nil, !hasTurn else { return }
    hasTurn = true
    turns.wait { [self] in
      hasTurn = false
      guard case .running = state, let context, let input = input.take() else { return }
      context.fireChannelRead(wrapInboundOut(input))
      context.fireChannelReadComplete()
    }
  }

  func completed() -> Bool {
    provenPeer = ssl.provenPeer
    guard case .running = state, provenPeer != nil else { return false }
    state = .completed
    leave()
    return true
  }

  func failed(_ error: any Error) {}

  func abort() {
    context?.close(mode: .all, promise: nil)
  }

  private func leave() {
    timer?.cancel()
    timer = nil
    if let number = number.take() { gate.leave(number) }
  }

  private func release() {
    state = .closed
    input = nil
    leave()
    context = nil
  }

  // MARK: Events of the channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    release()
  }

  /// In steps, because NIOSSL collects what comes between two ends of reading, in a buffer that it keeps.
  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    switch state {
    case .waiting, .running:
      keep(bytes)
      takeTurn()
    case .completed:
      while bytes.readableBytes > chunk, let step = bytes.readSlice(length: chunk) {
        context.fireChannelRead(wrapInboundOut(step))
        context.fireChannelReadComplete()
      }
      context.fireChannelRead(wrapInboundOut(bytes))
    case .closed: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if case .completed = state { context.fireChannelReadComplete() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event {
      switch state {
      case .waiting, .running: return abort()
      case .completed, .closed: break
      }
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    release()
    context.fireChannelInactive()
  }
}
