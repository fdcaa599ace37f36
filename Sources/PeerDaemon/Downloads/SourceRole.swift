// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import WireProtocol

/// The connection to one source: sends requests and passes bodies on for verification. Confined to its event loop.
///
/// Performs one job at a time and may be kept for the next.
final class SourceRole: LineRole {
  /// An event of the connection.
  enum Event: Sendable {
    case reply
    /// The source has the content.
    case willing
    case failed(SourceFailure)
    case closed
  }

  /// A content to ask for or to fetch.
  struct Job {
    let content: Content
    /// Called on the event loop of the connection.
    let notify: (Event) -> Void
    var fetch: (sink: BlockSink, start: Int64)?
  }

  private var machine: SourceMachine
  private let identity: (id: PeerID, name: PeerName)
  private var job: Job?
  private var connection: (any LineConnection)?
  private var body: (what: SourceMachine.Body, left: Int)?
  private var hashes: [UInt8] = []
  private var isUnwanted = false
  /// Called when an idle connection closes.
  var whenClosedIdle: (() -> Void)?

  init(source: PeerID, identity: (id: PeerID, name: PeerName)) {
    machine = SourceMachine(source: source)
    self.identity = identity
  }

  // MARK: Jobs

  /// Whether the role can take another job.
  var isIdle: Bool { connection != nil && !isUnwanted && machine.isIdle && body == nil }

  /// Starts as soon as there is a connection.
  func take(_ job: Job) {
    self.job = job
    guard let connection else { return }
    connection.send { begin(job, &$0) }
  }

  /// Fetches from `start` to the end of the content.
  func fetch(into sink: BlockSink, from start: Int64) {
    guard let connection, job != nil, job?.fetch == nil else { return }
    job?.fetch = (sink, start)
    connection.send { machine.fetch(from: start, to: &$0) }
  }

  /// Ends the job and keeps the connection.
  func release() {
    job = nil
  }

  /// Ends the job without further events and closes the connection, also one that is still being made.
  func close() {
    job = nil
    isUnwanted = true
    connection?.abort()
  }

  private func begin(_ job: Job, _ output: inout JSONWriter) {
    machine.want(job.content, to: &output)
    if let fetch = job.fetch { machine.fetch(from: fetch.start, to: &output) }
  }

  // MARK: Events of the connection

  func opened(_ connection: any LineConnection) {
    guard !isUnwanted else { return connection.abort() }
    self.connection = connection
    connection.send { output in
      machine.greet(as: identity.id, identity.name, to: &output)
      if let job { begin(job, &output) }
    }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    do {
      let line = try LineScratch.current.reader.read(line) { try machine.received($0) }
      switch line {
      case .event: return .next
      case .answer: job?.notify(.reply)
      case .willing: job?.notify(.willing)
      case .body(let body):
        job?.notify(.reply)
        machine.proceed(to: &output)
        self.body = (body, body.count)
        return .body(body.count)
      }
      machine.proceed(to: &output)
      return .next
    } catch let failure as SourceFailure {
      return leave(failure)
    } catch {
      return leave(.protocolViolation("\(error)"))
    }
  }

  func received(body bytes: ByteBuffer, output: inout JSONWriter) -> LineVerdict {
    guard var body else { return leave(.protocolViolation("bytes that were not requested")) }
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
    job?.notify(.failed(.protocolViolation("a line that is too long")))
  }

  func closed() {
    connection = nil
    job?.notify(.closed)
    job = nil
    whenClosedIdle?()
    whenClosedIdle = nil
  }

  private func submit(_ item: BlockSink.Item) -> LineVerdict {
    guard let connection, let sink = job?.fetch?.sink else { return .close }
    let bound = NIOLoopBound(connection, eventLoop: connection.eventLoop)
    let loop = connection.eventLoop
    let hasRoom = sink.submit(item) { loop.execute { bound.value.resume() } }
    return hasRoom ? .next : .busy
  }

  private func leave(_ failure: SourceFailure) -> LineVerdict {
    job?.notify(.failed(failure))
    return .close
  }
}
