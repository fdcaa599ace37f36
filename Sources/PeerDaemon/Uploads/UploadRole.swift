// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import WireProtocol

/// One connection of another peer. Requests are answered one at a time, on the pool.
final class UploadRole: LineRole {
  /// Bytes of a body that are sent at a time. The file is checked before each part: a change is detected, and a truncated
  /// file cannot stall the connection.
  private static let regionLength: Int64 = 256 * 1024
  /// Maximum time to send one part.
  private static let regionTimeout = TimeAmount.seconds(30)

  private let service: UploadService
  private let identity: (id: PeerID, name: PeerName)
  private let pool: NIOThreadPool
  private let transfers: TransferRegistry
  private var connection: (any LineConnection)?
  private var other: TransferRegistry.Source?
  private var transfer: TransferHandle?
  /// The file of the last answer; the next `get` usually needs the same.
  private var known: SharedFile?
  /// Before `hello` its timeout, later the check for idleness.
  private var timer: Scheduled<Void>?
  /// When the other side last received a part of a body.
  private var lastTaken = NIODeadline.distantPast

  init(
    service: UploadService, identity: (id: PeerID, name: PeerName), pool: NIOThreadPool, transfers: TransferRegistry
  ) {
    self.service = service
    self.identity = identity
    self.pool = pool
    self.transfers = transfers
  }

  func opened(_ connection: any LineConnection) {
    self.connection = connection
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    timer = connection.eventLoop.scheduleTask(in: .seconds(Int64(service.limits.hello))) {
      bound.value.closeWithoutHello()
    }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    do {
      return try LineScratch.current.reader.read(line) { answer($0, &output) }
    } catch {
      return refuse(.unreadableLine(error), id: nil, &output)
    }
  }

  private func refuse(_ failure: WireFailure, id: Int64?, _ output: inout JSONWriter) -> LineVerdict {
    failure.write(id: id, to: &output)
    return other == nil && failure.endsUngreetedConnection ? .close : .next
  }

  func receivedTooLong(output: inout JSONWriter) {
    let limit = service.limits.line
    WireFailure(.tooLarge, "a line has at most \(limit) bytes", limit: .init("line", limit))
      .write(id: nil, to: &output)
  }

  func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter) {
    let limit: WireFailure.Limit =
      switch refusal {
      case .tooMany(let limit): .init("connections", limit)
      case .tooManyOfAddress(let limit): .init("connections_per_address", limit)
      }
    WireFailure(.tooMany, "this peer has too many connections", limit: limit, retryAfter: 5).write(id: nil, to: &output)
  }

  func closed() {
    timer?.cancel()
    timer = nil
    transfer?.end()
    transfer = nil
    known = nil
    connection = nil
  }

  // MARK: Requests

  private func answer(_ line: JSONObject, _ output: inout JSONWriter) -> LineVerdict {
    var id: Int64?
    do throws(WireFailure) {
      let known = try line.requestID()
      id = known
      return try route(PeerRequest(line), known, &output)
    } catch {
      return refuse(error, id: id, &output)
    }
  }

  /// Every operation, in the order of the written protocol.
  private func route(
    _ request: PeerRequest, _ id: Int64, _ output: inout JSONWriter
  ) throws(WireFailure) -> LineVerdict {
    if case .hello(let peer, let name) = request {
      if other == nil { scheduleIdleCheck() }
      other = .init(peer: peer, name: name.text, host: connection?.remoteAddress?.hostText ?? "")
      PeerHelloReply(
        server: "p2p-peer/\(ProtocolVersion.program)", peer: identity.id, name: identity.name, limits: service.limits
      ).write(id: id, to: &output)
      return .next
    }
    guard other != nil else { throw .helloRequired }
    let service = service
    switch request {
    case .hello: return .next
    case .have(let content):
      return perform(id) { () throws(WireFailure) in try service.have(content) }
    case .hashes(let content, let query):
      return perform(id) { () throws(WireFailure) in try service.hashes(content, query) }
    case .get(let content, let offset, let length):
      note(content, length)
      let known = known
      return perform(id) { () throws(WireFailure) in
        try service.get(content, offset: offset, length: length, known: known)
      }
    }
  }

  private func perform(
    _ id: Int64, _ work: @escaping @Sendable () throws(WireFailure) -> UploadService.Answer
  ) -> LineVerdict {
    guard let connection else { return .close }
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let answered = pool.runIfActive(eventLoop: connection.eventLoop) {
      Result { () throws(WireFailure) in try work() }
    }
    answered.whenComplete { result in
      bound.value.send((try? result.get()) ?? .failure(WireFailure(.unavailable, "the peer is stopping")), id)
    }
    return .busy
  }

  // MARK: Answers

  private func send(_ result: Result<UploadService.Answer, WireFailure>, _ id: Int64) {
    guard let connection else { return }
    switch result {
    case .failure(let failure): connection.send { failure.write(id: id, to: &$0) }
    case .success(.have(let reply)):
      connection.send { reply.write(id: id, to: &$0) }
    case .success(.hashes(let count, let nodes)):
      connection.send {
        HashesReply(count: count).write(id: id, to: &$0)
        $0.bytes += nodes
      }
    case .success(.bytes(let file, let offset, let bytes)):
      known = file ?? known
      if let file { transfer?.name(file.key) }
      connection.send {
        GetReply(offset: offset, length: Int64(bytes.count)).write(id: id, to: &$0)
        $0.bytes += bytes
      }
      sent(Int64(bytes.count))
    case .success(.file(let file, let offset, let length)):
      known = file
      transfer?.name(file.key)
      connection.send { GetReply(offset: offset, length: length).write(id: id, to: &$0) }
      return sendRegion(of: file, offset, length, connection)
    }
    connection.resume()
  }

  /// Sends the next part. If the file has changed, closes the connection: the body cannot be completed.
  private func sendRegion(of file: SharedFile, _ offset: Int64, _ left: Int64, _ connection: any LineConnection) {
    guard left > 0 else { return connection.resume() }
    let length = min(left, Self.regionLength)
    let descriptor: CInt
    do throws(StoreError) {
      try file.checkUnchanged()
      descriptor = try file.file.duplicate()
    } catch {
      if error.code != .exhausted { service.changed(file) }
      known = nil
      return connection.abort()
    }
    let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
    let region = FileRegion(fileHandle: handle, readerIndex: Int(offset), endIndex: Int(offset + length))
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let stalled = connection.eventLoop.scheduleTask(in: Self.regionTimeout) { bound.value.connection?.abort() }
    connection.send(region: region).whenComplete { result in
      stalled.cancel()
      try? handle.close()
      guard case .success = result, let connection = bound.value.connection else { return }
      bound.value.lastTaken = connection.eventLoop.now
      bound.value.sent(length)
      bound.value.sendRegion(of: file, offset + length, left - length, connection)
    }
  }

  // MARK: The transfer

  /// A peer may ask for the same content again on a connection that it kept: that is another transfer.
  private func note(_ content: Content, _ length: Int64) {
    guard let other else { return }
    if let transfer, transfer.content == content, transfer.continues(with: length) { return }
    transfer?.end()
    transfer = transfers.upload(content, to: other)
  }

  private func sent(_ length: Int64) {
    guard let transfer else { return }
    transfer.progress(length)
    guard !transfer.continues(with: 1) else { return }
    transfer.end()
    self.transfer = nil
  }

  // MARK: Time

  /// Closes connections that send no `hello` in time, to free the slot.
  private func closeWithoutHello() {
    guard other == nil, let connection else { return }
    let failure = WireFailure.noHello(within: service.limits.hello)
    connection.send { failure.write(id: nil, to: &$0) }
    connection.close()
  }

  /// One timer for each connection, which checks traffic in both directions: while it receives a long body over a slow
  /// line, the other side sends nothing.
  private func scheduleIdleCheck() {
    guard let connection else { return }
    timer?.cancel()
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    timer = connection.eventLoop.scheduleTask(deadline: idleDeadline(connection)) { bound.value.checkIdle() }
  }

  private func idleDeadline(_ connection: any LineConnection) -> NIODeadline {
    max(connection.lastReceived, lastTaken) + .seconds(Int64(service.limits.idle))
  }

  private func checkIdle() {
    guard let connection else { return }
    if idleDeadline(connection) > connection.eventLoop.now { scheduleIdleCheck() } else { connection.abort() }
  }
}
