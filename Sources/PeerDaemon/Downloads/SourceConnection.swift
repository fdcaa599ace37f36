// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import WireProtocol

/// The connection to one source: sends requests, passes bodies on for verification, reports what happens. It decides nothing.
/// Confined to its event loop.
///
/// Serves one download at a time and may be kept for the next.
final class SourceConnection: LineRole {
  enum Event {
    /// The source said what it has.
    case holding(PiecePicker.Holding)
    /// A partial source has more.
    case gained([Range<Int>])
    case lacks(SourceMachine.Body)
    case failed(SourceFailure)
    case closed
  }

  /// The download that uses the connection.
  struct User {
    let content: Content
    let sink: BlockSink
    /// Called on the event loop of the connection.
    let notify: (Event) -> Void
    /// Called with the number of bytes of blocks that arrived, right or wrong.
    let received: (Int) -> Void
    let allowance: RateAllowance
    /// Called when a limit of the user stops reading, and when reading goes on.
    let held: (Bool) -> Void
  }

  private var machine: SourceMachine
  private let identity: (id: PeerID, name: PeerName)
  /// What this peer shows in a closed network.
  private let pass: @Sendable () -> SignedPass?
  private var user: User?
  private var connection: (any LineConnection)?
  private var body: (what: SourceMachine.Body, left: Int)?
  private var hashes: [UInt8] = []
  /// Less than a block, until more comes: a slow source sends a packet at a time, and each hand-over has its cost.
  private var portion: ByteBuffer?
  private var isUnwanted = false
  /// What reading waits for: room in the sink, the limit of the user.
  private var waits = 0
  /// Bytes of a body that are taken before they are granted.
  private static let minPortion = 1024
  /// Events that may come at once, and how many of them are left.
  private static let maxEvents = 50
  private static let eventInterval = TimeAmount.milliseconds(100)
  private var events = maxEvents
  private var lastEvent = NIODeadline.distantPast
  /// Requests made before the connection was open.
  private var early: [SourceMachine.Body] = []
  /// Called when an idle connection closes.
  var whenClosedIdle: (() -> Void)?

  /// - Parameter pass: what this peer shows in a closed network; asked before requests, because it is renewed.
  init(
    source: PeerID, identity: (id: PeerID, name: PeerName), pass: @escaping @Sendable () -> SignedPass? = { nil }
  ) {
    machine = SourceMachine(source: source)
    self.identity = identity
    self.pass = pass
  }

  // MARK: The user

  /// Whether it can be kept for the next download.
  var isIdle: Bool { connection != nil && !isUnwanted && machine.isIdle && body == nil }

  /// Asks what the source has of a content, as soon as there is a connection.
  func begin(for user: User) {
    self.user = user
    early = []
    guard let connection else { return }
    connection.send { output in
      machine.show(pass(), to: &output)
      machine.want(user.content, to: &output)
    }
  }

  func request(_ bodies: [SourceMachine.Body]) {
    guard user != nil, !bodies.isEmpty else { return }
    guard let connection else { return early += bodies }
    connection.send { output in
      machine.show(pass(), to: &output)
      for body in bodies { machine.request(body, to: &output) }
    }
  }

  /// Asks again what the source has.
  func askAgain() {
    guard let user else { return }
    connection?.send { machine.want(user.content, to: &$0) }
  }

  /// Ends without further events and keeps the connection.
  func release() {
    user = nil
  }

  /// Ends without further events and closes the connection, also one that is still being made.
  func close() {
    user = nil
    isUnwanted = true
    connection?.abort()
  }

  // MARK: Events of the connection

  func opened(_ connection: any LineConnection) {
    guard !isUnwanted else { return connection.abort() }
    self.connection = connection
    connection.send { output in
      machine.greet(as: identity.id, identity.name, with: pass(), to: &output)
      if let user { machine.want(user.content, to: &output) }
      for body in early { machine.request(body, to: &output) }
      early = []
    }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    do {
      let line = try LineScratch.current.reader.read(line) { try machine.received($0) }
      machine.proceed(to: &output)
      switch line {
      case .ignored, .gained: try spendEvent()
      default: break
      }
      switch line {
      case .answer, .ignored: return .next
      case .holding(let holding): user?.notify(.holding(holding))
      case .gained(let ranges): user?.notify(.gained(ranges))
      case .lacks(let body): user?.notify(.lacks(body))
      case .body(let body, let count):
        self.body = (body, count)
        return .body(count)
      }
      return isUnwanted ? .close : .next
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
      machine.finished()
      machine.proceed(to: &output)
    }
    switch body.what {
    case .blocks(let run):
      user?.received(bytes.readableBytes)
      user?.allowance.spend(bytes.readableBytes)
      var bytes = bytes
      if var earlier = portion.take() {
        earlier.writeBuffer(&bytes)
        bytes = earlier
      }
      guard body.left > 0, bytes.readableBytes < PieceGeometry.blockLength else {
        return submit(.bytes(run, bytes))
      }
      portion = bytes
      return verdict(hasRoom: true)
    case .hashes(let range):
      hashes += bytes.readableBytesView
      guard body.left == 0 else { return .next }
      defer { hashes = [] }
      return submit(.hashes(range, hashes))
    }
  }

  /// A source tells what it got every 200 ms; one that does without end would keep the event loop busy.
  private func spendEvent() throws(SourceFailure) {
    guard let now = connection?.eventLoop.now else { return }
    let earned = (now - lastEvent).nanoseconds / Self.eventInterval.nanoseconds
    if earned > 0 { lastEvent = now }
    events = min(events + Int(clamping: earned), Self.maxEvents) - 1
    guard events >= 0 else { throw .protocolViolation("it reports what it has more often than every 200 ms") }
  }

  func receivedTooLong(output: inout JSONWriter) {
    user?.notify(.failed(.protocolViolation("a line that is too long")))
  }

  func closed() {
    connection = nil
    let user = user.take()
    user?.notify(.closed)
    whenClosedIdle?()
    whenClosedIdle = nil
  }

  /// Under a limit no more is handed out than was granted; the rest waits in the buffers of the system.
  var bodyLimit: Int {
    guard case .blocks? = body?.what, let user else { return .max }
    return max(user.allowance.available, Self.minPortion)
  }

  private func submit(_ item: BlockSink.Item) -> LineVerdict {
    guard let connection, let user else { return .close }
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let loop = connection.eventLoop
    return verdict(hasRoom: user.sink.submit(item) { loop.execute { bound.value.waitEnded() } })
  }

  private func verdict(hasRoom: Bool) -> LineVerdict {
    waits = hasRoom ? 0 : 1
    // Between two bodies it does not wait: then the connection may go to another download.
    if let user, body != nil {
      let isFree = user.allowance.gather(1) { [weak self] in
        user.held(false)
        self?.waitEnded()
      }
      if !isFree {
        waits += 1
        user.held(true)
      }
    }
    return waits == 0 ? .next : .busy
  }

  private func waitEnded() {
    waits -= 1
    if waits == 0 { connection?.resume() }
  }

  private func leave(_ failure: SourceFailure) -> LineVerdict {
    user?.notify(.failed(failure))
    return .close
  }
}
