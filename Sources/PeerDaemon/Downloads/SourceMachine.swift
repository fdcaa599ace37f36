// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
package import LineJSON
package import WireProtocol

/// What a downloader and one source say to each other, as a value: requests come out, replies go in.
///
/// One content after another may be asked for on one connection.
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

  /// What a line of the source was.
  package enum Line: Hashable {
    /// An answer, and nothing behind it.
    case answer
    /// The source has all of the content.
    case willing
    /// An answer with raw bytes right behind it.
    case body(Body)
    /// An event: no answer to anything, and no sign that the source gives what was asked for.
    case event
  }

  private enum Expectation {
    case hello
    case have
    case body(Body)
  }

  /// Bytes that may be asked for and not yet have come: enough to keep a fast and distant source busy.
  private static let window: Int64 = 16 << 20
  private static let maxRequests = 16
  private static let maxBeforeGreeting = 4

  private let source: PeerID
  private var content: Content?
  /// `nil` until the source is to give what is missing.
  private var schedule: FetchSchedule?
  private var expected: [(id: Int64, what: Expectation)] = []
  private var nextID: Int64 = 1
  private var asked: Int64 = 0
  /// Until the source has told its own: what every source gives.
  private var getLimit = PieceGeometry.smallestPiece
  private var maxInFlight = Self.maxRequests
  private var isGreeted = false

  /// - Parameter source: who the index says is there.
  package init(source: PeerID) {
    self.source = source
  }

  /// Whether all that was asked for has been answered.
  package var isIdle: Bool { expected.isEmpty && asked == 0 }

  /// Appends the first request of a connection.
  package mutating func greet(as peer: PeerID, _ name: PeerName, to output: inout JSONWriter) {
    ask(.hello(peer: peer, name: name), for: .hello, &output)
  }

  /// Appends the question whether the source has a content. To be called where the machine is idle, or right after `greet`.
  package mutating func want(_ content: Content, to output: inout JSONWriter) {
    self.content = content
    schedule = nil
    ask(.have(content), for: .have, &output)
  }

  /// From now on the source is to give what is missing; appends the first requests.
  ///
  /// May be called before the source has answered anything: a small document then takes one round trip.
  /// - Parameter start: the first byte that is missing.
  package mutating func fetch(from start: Int64, to output: inout JSONWriter) {
    guard let content else { return }
    schedule = FetchSchedule(content: content, from: start)
    proceed(to: &output)
  }

  /// Appends the requests that are due now.
  package mutating func proceed(to output: inout JSONWriter) {
    // Until the source has told its limits, no more than the beginning is asked for.
    fill(&output, most: isGreeted ? maxInFlight : Self.maxBeforeGreeting)
  }

  package mutating func received(_ reply: JSONObject) throws(SourceFailure) -> Line {
    if reply["event"] != nil { return .event }
    guard let first = expected.first, reply["id"]?.integer == first.id else {
      throw Self.unasked(reply)
    }
    expected.removeFirst()
    if let failure = try Self.read({ () throws(WireFailure) in try WireFailure(reply: reply) }) {
      throw .refused(failure)
    }
    switch first.what {
    case .hello:
      try greet(Self.read { () throws(WireFailure) in try PeerHelloReply(reply) })
      return .answer
    case .have:
      let have = try Self.read { () throws(WireFailure) in try HaveReply(reply) }
      guard have.complete else { throw .incomplete }
      return .willing
    case .body(let body):
      try Self.read { () throws(WireFailure) in try check(body, reply) }
      return .body(body)
    }
  }

  /// What answers none of the requests: a refusal of the whole connection, because there are too many or the peer is
  /// about to stop, has no id of a request.
  private static func unasked(_ reply: JSONObject) -> SourceFailure {
    if reply["id"]?.kind == .null, let failure = try? WireFailure(reply: reply) { return .refused(failure) }
    return .nonsense("an answer out of order")
  }

  private static func read<Value>(_ body: () throws(WireFailure) -> Value) throws(SourceFailure) -> Value {
    do throws(WireFailure) { return try body() } catch { throw .nonsense(error.message) }
  }

  /// The raw bytes of a reply have come.
  package mutating func finished(_ body: Body) {
    if case .bytes(_, let length) = body { asked -= length }
  }

  private mutating func greet(_ hello: PeerHelloReply) throws(SourceFailure) {
    guard hello.peer == source else { throw .otherPeer(hello.peer) }
    isGreeted = true
    getLimit = max(hello.get, 1)
    maxInFlight = Int(min(hello.inflight, Int64(Self.maxRequests)))
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

  private mutating func fill(_ output: inout JSONWriter, most: Int) {
    guard let content else { return }
    while asked < Self.window, expected.count < most, let step = schedule?.step(limit: getLimit) {
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

/// Why a source is left.
package enum SourceFailure: Error, Equatable {
  /// It answers with a failure.
  case refused(WireFailure)
  /// It is somebody else than the index said.
  case otherPeer(PeerID)
  /// It has only part of the content.
  case incomplete
  /// It breaks the protocol.
  case nonsense(String)
  /// It sent bytes or hashes that do not belong to the content.
  case wrongBytes(String)
  /// It cannot be reached, or the connection broke.
  case lost(String)
  /// It does not say in time whether it has the content.
  case silent
  /// Nothing whole came for too long.
  case stalled
  /// Nobody can be at the address that the index tells.
  case misplaced(String)
}

extension SourceFailure {
  /// Whether one that has given something may give more if it is asked again.
  var mayPass: Bool {
    switch self {
    case .lost, .stalled: true
    case .refused, .otherPeer, .incomplete, .nonsense, .wrongBytes, .silent, .misplaced: false
    }
  }
}

extension SourceFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .refused(let failure): "refuses: \(failure.message)"
    case .otherPeer(let peer): "is another peer: \(peer)"
    case .incomplete: "has only part of it"
    case .nonsense(let what): "breaks the protocol: \(what)"
    case .wrongBytes(let what): "sent wrong bytes: \(what)"
    case .lost(let why): "cannot be reached: \(why)"
    case .silent: "does not answer"
    case .stalled: "sent nothing for too long"
    case .misplaced(let host): "is said to be at \(host), where no peer can be"
    }
  }
}
