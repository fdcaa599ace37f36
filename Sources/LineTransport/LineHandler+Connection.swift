// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON
package import NIOCore
package import POSIXSupport

/// What the role may ask for.
extension LineHandler: LineConnection {
  package var isReading: Bool { machine.handsOut }

  package func stand(as standing: ConnectionStanding) { onStanding(standing) }

  package var remoteAddress: SocketAddress? { context?.remoteAddress }
  package var localAddress: SocketAddress? { context?.localAddress }

  package var provenPeer: PeerID? { link?.provenPeer }

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
    write(bytes: bytes, context, promise: promise)
    keepToOutputBudget()
    return promise.futureResult
  }

  package func send(region: FileRegion) -> EventLoopFuture<Void> {
    guard let context else { return eventLoop.makeFailedFuture(ChannelError.alreadyClosed) }
    guard link == nil else { return eventLoop.makeFailedFuture(ChannelError.operationUnsupported) }
    let promise = eventLoop.makePromise(of: Void.self)
    write(NIOAny(region), context, promise: promise)
    return promise.futureResult
  }

  var isWritable: Bool {
    guard let context else { return false }
    return socket?.isIdle ?? false || context.channel.isWritable
  }

  func flush(_ output: inout JSONWriter) {
    guard let context, !output.bytes.isEmpty else { return }
    defer { output.bytes.removeAll(keepingCapacity: true) }
    let taken = socket.map { $0.write(output.bytes) } ?? 0
    guard taken < output.bytes.count else { return }
    let rest = context.channel.allocator.buffer(bytes: output.bytes[taken...])
    write(bytes: rest, context)
    keepToOutputBudget()
  }

  /// Writes by the channel.
  func write(_ data: NIOAny, _ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
    context.writeAndFlush(data, promise: socket?.waits(for: promise, on: eventLoop) ?? promise)
  }

  package func resume() {
    perform(machine.resume())
  }

  package func goOn() {
    isSliced = true
    perform(machine.resume())
  }

  package func close() {
    perform(machine.close())
  }

  func askToDrain() {
    var isAgreed = false
    send { isAgreed = role.draining(output: &$0) }
    if isAgreed { perform(machine.drain(isWritable: isWritable)) }
  }

  func perform(_ action: LineConnectionMachine.EndAction) {
    switch action {
    case .none: break
    case .linger: linger()
    }
  }

  package func abort() {
    if let link { return link.abort() }
    context?.close(mode: .all, promise: nil)
  }
}
