// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
package import LineJSON
import WireProtocol

/// The state machine of a downloader's connection to one source: requests out, replies in.
///
/// A connection may fetch one content after another.
package struct SourceMachine {
  /// Raw bytes that follow a reply.
  package enum Body: Hashable {
    case hashes(HashRange)
    case bytes(offset: Int64, length: Int64)

    package var count: Int {
      switch self {
      case .hashes(let range): range.byteCount
      case .bytes(_, let length): Int(length)
      }
    }
  }

  /// The meaning of a line from the source.
  package enum Line: Hashable {
    /// An answer without a body.
    case answer
    /// The source has the complete content.
    case willing
    /// An answer followed by raw bytes.
    case body(Body)
    /// An event, which does not count as progress.
    case event
  }

  private enum Expectation {
    case hello
    case have
    case body(Body)
  }

  /// Maximum bytes requested and not yet received: enough for a fast and distant source.
  private static let window: Int64 = 16 << 20
  private static let maxRequests = 16
  private static let maxBeforeGreeting = 4

  private let source: PeerID
  private var content: Content?
  /// `nil` until `fetch`.
  private var schedule: FetchSchedule?
  private var expected: [(id: Int64, what: Expectation)] = []
  private var nextID: Int64 = 1
  private var asked: Int64 = 0
  /// The minimum that every source allows, until the source reports its limit.
  private var getLimit = PieceGeometry.smallestPiece
  private var maxInFlight = Self.maxRequests
  private var isGreeted = false

  /// - Parameter source: the peer id that the index reported.
  package init(source: PeerID) {
    self.source = source
  }

  /// Whether all requests were answered.
  package var isIdle: Bool { expected.isEmpty && asked == 0 }

  /// Appends the first request of a connection.
  package mutating func greet(as peer: PeerID, _ name: PeerName, to output: inout JSONWriter) {
    ask(.hello(peer: peer, name: name), for: .hello, &output)
  }

  /// Appends the question whether the source has a content. Call it when the machine is idle, or right after `greet`.
  package mutating func want(_ content: Content, to output: inout JSONWriter) {
    self.content = content
    schedule = nil
    ask(.have(content), for: .have, &output)
  }

  /// Begins to fetch: appends the first requests.
  ///
  /// May be called before the source has answered, so that a small document takes one round trip.
  /// - Parameter start: the first missing byte.
  package mutating func fetch(from start: Int64, to output: inout JSONWriter) {
    guard let content else { return }
    schedule = FetchSchedule(content: content, from: start)
    proceed(to: &output)
  }

  /// Appends the requests that are due now.
  package mutating func proceed(to output: inout JSONWriter) {
    // Before the source has reported its limits, only the beginning is requested.
    fill(&output, maxRequests: isGreeted ? maxInFlight : Self.maxBeforeGreeting)
  }

  package mutating func received(_ reply: JSONObject) throws(SourceFailure) -> Line {
    if reply["event"] != nil { return .event }
    guard let first = expected.first, reply["id"]?.integer == first.id else {
      throw Self.unasked(reply)
    }
    expected.removeFirst()
    if let failure = try Self.read({ () throws(WireFailure) in try WireFailure(reply: reply) }) {
      // After hello: the refusal concerns the content, not the connection.
      if isGreeted, failure.code == .unavailable, failure.retryAfter != nil { throw .busy(failure) }
      throw .refused(failure)
    }
    switch first.what {
    case .hello:
      try greet(Self.read { () throws(WireFailure) in try PeerHelloReply(reply) })
      return .answer
    case .have:
      guard let content else { throw .protocolViolation("an answer out of order") }
      let have = try Self.read { () throws(WireFailure) in try HaveReply(reply, of: content) }
      guard have.complete else { throw .incomplete }
      return .willing
    case .body(let body):
      try Self.read { () throws(WireFailure) in try check(body, reply) }
      return .body(body)
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
  package mutating func finished(_ body: Body) {
    if case .bytes(_, let length) = body { asked -= length }
  }

  private mutating func greet(_ hello: PeerHelloReply) throws(SourceFailure) {
    guard hello.peer == source else { throw .otherPeer(hello.peer) }
    isGreeted = true
    getLimit = Int64(max(hello.limits.get, 1))
    maxInFlight = min(hello.limits.inflight, Self.maxRequests)
  }

  private func check(_ body: Body, _ reply: JSONObject) throws(WireFailure) {
    switch body {
    case .hashes(let range):
      _ = try HashesReply(reply, expected: range.hashCount)
    case .bytes(let offset, let length):
      let get = try GetReply(reply)
      guard get.offset == offset, get.length == length else { throw .badRequest("other bytes than were asked for") }
    }
  }

  private mutating func fill(_ output: inout JSONWriter, maxRequests: Int) {
    guard let content else { return }
    while asked < Self.window, expected.count < maxRequests, let step = schedule?.step(limit: getLimit) {
      switch step {
      case .hashes(let range):
        let query = HashesQuery(layer: range.layer, index: range.index, length: Int64(range.length))
        ask(.hashes(content, query), for: .body(.hashes(range)), &output)
      case .get(let offset, let length):
        asked += length
        ask(.get(content, offset: offset, length: length), for: .body(.bytes(offset: offset, length: length)), &output)
      }
    }
  }

  private mutating func ask(_ request: PeerRequest, for what: Expectation, _ output: inout JSONWriter) {
    expected.append((nextID, what))
    request.write(id: nextID, to: &output)
    nextID += 1
  }
}
