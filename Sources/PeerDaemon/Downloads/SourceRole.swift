import ContentStore
import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import WireProtocol

/// One source of a download: asks, takes what comes, and hands it to be verified.
final class SourceRole: LineRole {
  /// What the source did with its connection.
  enum Event: Sendable {
    case reply
    case failed(SourceFailure)
    case closed
  }

  private var machine: SourceMachine
  private let sink: BlockSink
  private let identity: (id: PeerID, name: PeerName)
  private let notify: (Event) -> Void
  private var connection: (any LineConnection)?
  private var body: (what: SourceMachine.Body, left: Int)?
  private var hashes: [UInt8] = []

  /// - Parameter notify: called on the event loop of the connection.
  init(
    machine: SourceMachine, sink: BlockSink, identity: (id: PeerID, name: PeerName),
    notify: @escaping (Event) -> Void
  ) {
    self.machine = machine
    self.sink = sink
    self.identity = identity
    self.notify = notify
  }

  func opened(_ connection: any LineConnection) {
    self.connection = connection
    connection.send { machine.begin(as: identity.id, identity.name, to: &$0) }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    do {
      let line = try LineScratch.current.reader.read(line) { try machine.received($0) }
      guard line != .event else { return .next }
      notify(.reply)
      machine.proceed(to: &output)
      guard case .body(let body) = line else { return .next }
      self.body = (body, body.count)
      return .body(body.count)
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
    notify(.failed(.nonsense("a line without end")))
  }

  func closed() {
    connection = nil
    notify(.closed)
  }

  private func submit(_ item: BlockSink.Item) -> LineVerdict {
    guard let connection else { return .close }
    let bound = NIOLoopBound(connection, eventLoop: connection.eventLoop)
    let loop = connection.eventLoop
    let hasRoom = sink.submit(item) { loop.execute { bound.value.resume() } }
    return hasRoom ? .next : .busy
  }

  private func leave(_ failure: SourceFailure) -> LineVerdict {
    notify(.failed(failure))
    return .close
  }
}
