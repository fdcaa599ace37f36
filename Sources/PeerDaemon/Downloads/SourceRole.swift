// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import WireProtocol

/// The connection to one source: asks, takes what comes, and hands it to be verified. Confined to its event loop.
///
/// It carries out one order at a time, and may be kept for another one.
final class SourceRole: LineRole {
  /// What the source did with its connection.
  enum Event: Sendable {
    case reply
    /// It has the content.
    case willing
    case failed(SourceFailure)
    case closed
  }

  /// What is wanted of the source.
  struct Order {
    let content: Content
    /// Called on the event loop of the connection.
    let notify: (Event) -> Void
    var fetch: (sink: BlockSink, start: Int64)?
  }

  private var machine: SourceMachine
  private let identity: (id: PeerID, name: PeerName)
  private var order: Order?
  private var connection: (any LineConnection)?
  private var body: (what: SourceMachine.Body, left: Int)?
  private var hashes: [UInt8] = []
  private var isUnwanted = false
  /// Told when the connection ends that nobody uses.
  var whenClosedIdle: (() -> Void)?

  init(source: PeerID, identity: (id: PeerID, name: PeerName)) {
    machine = SourceMachine(source: source)
    self.identity = identity
  }

  // MARK: Orders

  /// Whether another order can be given: the connection is there, and nothing of the last one is under way.
  var isIdle: Bool { connection != nil && !isUnwanted && machine.isIdle && body == nil }

  /// Asks as soon as there is a connection.
  func take(_ order: Order) {
    self.order = order
    guard let connection else { return }
    connection.send { begin(order, &$0) }
  }

  /// From now on the source is to give what is missing from `start` on.
  func fetch(into sink: BlockSink, from start: Int64) {
    guard let connection, order != nil, order?.fetch == nil else { return }
    order?.fetch = (sink, start)
    connection.send { machine.fetch(from: start, to: &$0) }
  }

  /// The order is carried out; the connection is kept.
  func release() {
    order = nil
  }

  /// Nothing is told any more. A connection that is still being made is closed when it is there.
  func close() {
    order = nil
    isUnwanted = true
    connection?.abort()
  }

  private func begin(_ order: Order, _ output: inout JSONWriter) {
    machine.want(order.content, to: &output)
    if let fetch = order.fetch { machine.fetch(from: fetch.start, to: &output) }
  }

  // MARK: Events of the connection

  func opened(_ connection: any LineConnection) {
    guard !isUnwanted else { return connection.abort() }
    self.connection = connection
    connection.send { output in
      machine.greet(as: identity.id, identity.name, to: &output)
      if let order { begin(order, &output) }
    }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    do {
      let line = try LineScratch.current.reader.read(line) { try machine.received($0) }
      switch line {
      case .event: return .next
      case .answer: order?.notify(.reply)
      case .willing: order?.notify(.willing)
      case .body(let body):
        order?.notify(.reply)
        machine.proceed(to: &output)
        self.body = (body, body.count)
        return .body(body.count)
      }
      machine.proceed(to: &output)
      return .next
    } catch let failure as SourceFailure {
      return leave(failure)
    } catch {
      return leave(.nonsense("\(error)"))
    }
  }

  func received(body bytes: ByteBuffer, output: inout JSONWriter) -> LineVerdict {
    guard var body else { return leave(.nonsense("bytes that nobody asked for")) }
    body.left -= bytes.readableBytes
    self.body = body.left > 0 ? body : nil
    if body.left == 0 {
      machine.finished(body.what)
      machine.proceed(to: &output)
    }
    switch body.what {
    case .bytes: return submit(.bytes(bytes))
    case .hashes(let range):
      hashes += bytes.readableBytesView
      guard body.left == 0 else { return .next }
      defer { hashes = [] }
      return submit(.hashes(range, hashes))
    }
  }

  func receivedTooLong(output: inout JSONWriter) {
    order?.notify(.failed(.nonsense("a line without end")))
  }

  func closed() {
    connection = nil
    order?.notify(.closed)
    order = nil
    whenClosedIdle?()
    whenClosedIdle = nil
  }

  private func submit(_ item: BlockSink.Item) -> LineVerdict {
    guard let connection, let sink = order?.fetch?.sink else { return .close }
    let bound = NIOLoopBound(connection, eventLoop: connection.eventLoop)
    let loop = connection.eventLoop
    let hasRoom = sink.submit(item) { loop.execute { bound.value.resume() } }
    return hasRoom ? .next : .busy
  }

  private func leave(_ failure: SourceFailure) -> LineVerdict {
    order?.notify(.failed(failure))
    return .close
  }
}
