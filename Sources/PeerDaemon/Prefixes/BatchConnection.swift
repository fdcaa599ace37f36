// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import WireProtocol

/// A connection to one source over which small contents are fetched, a batch at a time. Confined to its event loop.
final class BatchConnection: LineRole {
  /// The bytes of a content, not verified, or why they did not come.
  typealias Answer = Result<[UInt8], SourceFailure>

  private struct Batch {
    var answers: [Answer?]
    /// Not answered yet.
    var left: Int
    let received: (Int) -> Void
    let finish: ([Answer]) -> Void
  }

  private static let tick = TimeAmount.seconds(1)

  private let loop: any EventLoop
  private let identity: (id: PeerID, name: PeerName)
  /// What this peer shows in a closed network.
  private let pass: @Sendable () -> SignedPass?
  private let stall: TimeAmount
  private let allowance: RateAllowance
  private var machine: BatchMachine
  private var connection: (any LineConnection)?
  private var batch: Batch?
  private var body: (number: Int, bytes: [UInt8], left: Int)?
  private var lastProgress: NIODeadline
  private var ticker: RepeatedTask?
  /// Why no batch can be fetched any more.
  private(set) var failure: SourceFailure?

  /// - Parameters:
  ///   - pass: what this peer shows in a closed network; asked before requests, because it is renewed.
  ///   - stall: how long the source may send nothing.
  init(
    source: PeerID, identity: (id: PeerID, name: PeerName), pass: @escaping @Sendable () -> SignedPass? = { nil },
    stall: TimeAmount, allowance: RateAllowance, on loop: any EventLoop
  ) {
    self.pass = pass
    self.allowance = allowance
    machine = BatchMachine(source: source)
    self.identity = identity
    self.stall = stall
    self.loop = loop
    lastProgress = loop.now
  }

  func connect(to address: SocketAddress, _ security: SourceSecurity, timeout: TimeAmount) {
    let role = NIOLoopBound(self, eventLoop: loop)
    LineClient.connect(
      to: address, on: loop, limits: LineLimits(line: 256 * 1024), timeout: timeout, tls: security.tls,
      receiveBuffer: LineClient.bodyBuffer
    ) { _ in role.value }
    .whenFailure { role.value.fail(SourceFailure(connecting: $0)) }
    ticker = loop.scheduleRepeatedTask(initialDelay: Self.tick, delay: Self.tick) { _ in role.value.ticked() }
  }

  // MARK: Batches

  /// - Parameters:
  ///   - received: called with the number of bytes that came.
  ///   - finish: called once, with an answer for each content.
  func fetch(
    _ contents: [Content], received: @escaping (Int) -> Void, finish: @escaping ([Answer]) -> Void
  ) {
    if let failure { return finish(contents.map { _ in .failure(failure) }) }
    guard batch == nil, !contents.isEmpty else { return finish(contents.map { _ in .failure(.silent) }) }
    batch = Batch(
      answers: contents.map { _ in nil }, left: contents.count, received: received, finish: finish)
    lastProgress = loop.now
    for (number, content) in contents.enumerated() { machine.add(number, content) }
    connection?.send { output in
      machine.show(pass(), to: &output)
      machine.proceed(to: &output)
    }
  }

  func close() {
    fail(.lost("it is no longer needed"))
  }

  private func answer(_ number: Int, _ answer: Answer) {
    guard batch?.answers.indices.contains(number) == true, batch?.answers[number] == nil else { return }
    lastProgress = loop.now
    batch?.answers[number] = answer
    batch?.left -= 1
    if batch?.left == 0 { finish() }
  }

  private func finish() {
    guard let batch = batch.take() else { return }
    let missing = failure ?? .silent
    var answers = [Answer]()
    for answer in batch.answers {
      // `??` in a closure crashes the optimizer of Swift 6.3.
      if let answer { answers.append(answer) } else { answers.append(.failure(missing)) }
    }
    batch.finish(answers)
  }

  private func fail(_ failure: SourceFailure) {
    if self.failure == nil { self.failure = failure }
    ticker?.cancel()
    ticker = nil
    allowance.end()
    connection?.abort()
    connection = nil
    finish()
  }

  private func ticked() {
    guard batch != nil else { return }
    // A limit of the user is no fault of the source.
    if allowance.isWaiting { lastProgress = loop.now }
    if loop.now - lastProgress >= stall { fail(.stalled) }
  }

  // MARK: Events of the connection

  func opened(_ connection: any LineConnection) {
    guard failure == nil else { return connection.abort() }
    self.connection = connection
    lastProgress = loop.now
    connection.send { machine.greet(as: identity.id, identity.name, with: pass(), to: &$0) }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    do {
      let line = try LineScratch.current.reader.read(line) { try machine.received($0) }
      machine.proceed(to: &output)
      switch line {
      case .answer: return .next
      case .lacks(let number, let failure):
        answer(number, .failure(failure))
        return .next
      case .body(let number, let count):
        guard count > 0 else {
          answer(number, .success([]))
          return .next
        }
        var bytes = [UInt8]()
        bytes.reserveCapacity(count)
        body = (number, bytes, count)
        return .body(count)
      }
    } catch let failure as SourceFailure {
      return leave(failure)
    } catch {
      return leave(.protocolViolation("\(error)"))
    }
  }

  func received(body buffer: ByteBuffer, output: inout JSONWriter) -> LineVerdict {
    guard var body = body.take() else { return leave(.protocolViolation("bytes that were not requested")) }
    body.bytes += buffer.readableBytesView
    body.left -= buffer.readableBytes
    batch?.received(buffer.readableBytes)
    allowance.spend(buffer.readableBytes)
    lastProgress = loop.now
    if body.left > 0 { self.body = body } else { answer(body.number, .success(body.bytes)) }
    return allowance.gather(1, then: { [weak self] in self?.connection?.resume() }) ? .next : .busy
  }

  /// Bytes of a body that are taken before they are granted.
  private static let minPortion = 1024

  /// Under a limit no more is handed out than was granted; the rest waits in the buffers of the system.
  var bodyLimit: Int { max(allowance.available, Self.minPortion) }

  func receivedTooLong(output: inout JSONWriter) { fail(.protocolViolation("a line that is too long")) }

  func closed() {
    connection = nil
    fail(.lost("the connection was closed"))
  }

  private func leave(_ failure: SourceFailure) -> LineVerdict {
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.execute { bound.value.fail(failure) }
    return .close
  }
}
