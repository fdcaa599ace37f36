// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
package import LineJSON
package import WireProtocol

/// The state machine of a downloader's connection to one source: requests out, replies in.
///
/// A connection may fetch one content after another.
package struct SourceMachine {
  /// Raw bytes that follow a reply.
  package enum Body: Hashable, Sendable {
    case hashes(HashRange)
    case blocks(PiecePicker.Run)
  }

  /// The meaning of a line from the source.
  package enum Line: Hashable {
    /// An answer that tells nothing.
    case answer
    /// What the source has.
    case holding(PiecePicker.Holding)
    /// A partial source has more.
    case gained([Range<Int>])
    /// An answer followed by that many raw bytes.
    case body(Body, count: Int)
    /// The source does not have what was asked for.
    case lacks(Body)
    /// An event without meaning here; it does not count as progress.
    case ignored
  }

  private enum Expectation {
    case hello
    case have
    case body(Body)
    case pass
  }

  private static let maxRequests = 64
  /// Before the source has stated its limits.
  private static let maxBeforeGreeting = 4

  private let source: PeerID
  private var content: Content?
  private var expected: [(id: Int64, what: Expectation)] = []
  /// Not sent yet.
  private var queue: [Body] = []
  private var nextID: Int64 = 1
  /// The minimum that every source allows, until the source reports its limit.
  private var getLimit = PieceGeometry.smallestPiece
  private var maxInFlight = Self.maxBeforeGreeting
  private var isGreeted = false
  private var isPartial = false
  private var openBodies = 0
  /// What was shown last, in a closed network.
  private var pass: SignedPass?

  /// - Parameter source: the peer id that the index reported.
  package init(source: PeerID) {
    self.source = source
  }

  /// Whether all requests were answered.
  package var isIdle: Bool { expected.isEmpty && queue.isEmpty && openBodies == 0 }

  /// Appends the first request of a connection.
  /// - Parameter pass: in a closed network.
  package mutating func greet(
    as peer: PeerID, _ name: PeerName, with pass: SignedPass? = nil, to output: inout JSONWriter
  ) {
    self.pass = pass
    ask(.hello(peer: peer, name: name, pass: pass), for: .hello, &output)
  }

  /// Appends the pass if it is another one than was shown. Call it before requests: the one that was shown may have ended.
  package mutating func show(_ pass: SignedPass?, to output: inout JSONWriter) {
    guard let pass, pass != self.pass, isGreeted else { return }
    self.pass = pass
    ask(.pass(pass), for: .pass, &output)
  }

  /// Appends the question what the source has of a content. Call it when the machine is idle, or right after `greet`.
  package mutating func want(_ content: Content, to output: inout JSONWriter) {
    self.content = content
    ask(.have(content), for: .have, &output)
  }

  /// Appends requests for hashes or blocks, now or as soon as the limits of the source allow it.
  ///
  /// May be called before the source has answered, so that a small document takes one round trip.
  package mutating func request(_ body: Body, to output: inout JSONWriter) {
    switch body {
    case .hashes: queue.append(body)
    case .blocks(let run):
      let step = getLimit / PieceGeometry.blockLength
      for first in stride(from: run.lowerBound, to: run.upperBound, by: Int(max(step, 1))) {
        queue.append(.blocks(first..<min(first + step, run.upperBound)))
      }
    }
    proceed(to: &output)
  }

  /// Appends the requests that are due now.
  package mutating func proceed(to output: inout JSONWriter) {
    guard let content else { return }
    var sent = 0
    while expected.count < maxInFlight, sent < queue.count {
      let body = queue[sent]
      sent += 1
      switch body {
      case .hashes(let range):
        let query = HashesQuery(layer: range.layer, index: range.index, length: Int64(range.length))
        ask(.hashes(content, query), for: .body(body), &output)
      case .blocks(let run):
        let bytes = content.geometry.bytes(of: run)
        ask(.get(content, offset: bytes.lowerBound, length: Int64(bytes.count)), for: .body(body), &output)
      }
    }
    queue.removeFirst(sent)
  }

  package mutating func received(_ reply: JSONObject) throws(SourceFailure) -> Line {
    if reply["event"] != nil { return try event(reply) }
    guard let first = expected.first, reply["id"]?.integer == first.id else {
      throw Self.unasked(reply)
    }
    expected.removeFirst()
    if let failure = try Self.read({ () throws(WireFailure) in try WireFailure(reply: reply) }) {
      // No lie of a partial source: what it said may be older than what it has now.
      if case .body(let body) = first.what, isPartial, failure.code == .notFound { return .lacks(body) }
      // After hello: the refusal concerns the content, not the connection.
      if isGreeted, failure.code == .unavailable, failure.retryAfter != nil { throw .busy(failure) }
      throw .refused(failure)
    }
    switch first.what {
    case .hello:
      try greet(Self.read { () throws(WireFailure) in try PeerHelloReply(reply) })
      return .answer
    case .have:
      guard let content else { throw .protocolViolation("an answer to no question") }
      let have = try Self.read { () throws(WireFailure) in try HaveReply(reply, of: content) }
      isPartial = !have.complete
      return .holding(have.pieces.map { .pieces($0) } ?? .complete)
    case .pass: return .answer
    case .body(let body):
      let count = try Self.read { () throws(WireFailure) in try check(body, reply) }
      openBodies += 1
      return .body(body, count: count)
    }
  }

  /// A reply to no request. A refusal of the whole connection (too many connections, peer is stopping) has a null id.
  private static func unasked(_ reply: JSONObject) -> SourceFailure {
    if reply["id"]?.kind == .null, let failure = try? WireFailure(reply: reply) { return .refused(failure) }
    return .protocolViolation("an answer out of order")
  }

  private static func read<Value>(_ body: () throws(WireFailure) -> Value) throws(SourceFailure) -> Value {
    do throws(WireFailure) { return try body() } catch { throw .protocolViolation(error.message) }
  }

  /// Call it when the body of a reply is complete.
  package mutating func finished() {
    openBodies -= 1
  }

  private mutating func greet(_ hello: PeerHelloReply) throws(SourceFailure) {
    guard hello.peer == source else { throw .otherPeer(hello.peer) }
    guard hello.limits.get >= Int(PieceGeometry.blockLength) else {
      throw .protocolViolation("it gives at most \(hello.limits.get) bytes at a time, less than a block")
    }
    isGreeted = true
    getLimit = Int64(hello.limits.get) / PieceGeometry.blockLength * PieceGeometry.blockLength
    maxInFlight = max(min(hello.limits.inflight, Self.maxRequests), 1)
  }

  /// What a partial source gained, if it is about the content that is wanted now.
  private mutating func event(_ line: JSONObject) throws(SourceFailure) -> Line {
    let event = try Self.read { () throws(WireFailure) in try HaveEvent.read(line) }
    guard let event, event.content == content else { return .ignored }
    if let pieces = event.pieces { return .gained(pieces) }
    isPartial = false
    return .holding(.complete)
  }

  /// - Returns: the number of raw bytes that follow.
  private func check(_ body: Body, _ reply: JSONObject) throws(WireFailure) -> Int {
    switch body {
    case .hashes(let range):
      _ = try HashesReply(reply, expected: range.hashCount)
      return range.byteCount
    case .blocks(let run):
      let get = try GetReply(reply)
      guard let bytes = content?.geometry.bytes(of: run), get.offset == bytes.lowerBound, get.length == bytes.count
      else { throw .badRequest("other bytes than were asked for") }
      return bytes.count
    }
  }

  private mutating func ask(_ request: PeerRequest, for what: Expectation, _ output: inout JSONWriter) {
    expected.append((nextID, what))
    request.write(id: nextID, to: &output)
    nextID += 1
  }
}

extension PieceGeometry {
  /// The bytes of a run of blocks.
  package func bytes(of run: Range<Int64>) -> Range<Int64> {
    blockRange(run.lowerBound)
      .lowerBound..<max(blockRange(run.upperBound - 1).upperBound, blockRange(run.lowerBound).lowerBound)
  }
}
