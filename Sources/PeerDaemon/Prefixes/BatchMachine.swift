// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON
package import WireProtocol

/// The state machine of a connection over which many small contents are fetched, one `get` for each, without waiting for the
/// answers. All blocks of a content are hashed, so nothing else is needed to prove it.
package struct BatchMachine {
  /// The meaning of a line from the source. The numbers are those of `add`.
  package enum Line: Equatable {
    /// An answer that tells nothing.
    case answer
    /// An answer followed by all bytes of a content.
    case body(Int, count: Int)
    /// The source does not give this content now.
    case lacks(Int, SourceFailure)
  }

  private static let maxRequests = 64

  private let source: PeerID
  /// In the order of the answers; `nil` is the answer to `hello` or `pass`.
  private var expected: [(id: Int64, item: (number: Int, content: Content)?)] = []
  private var queue: [(number: Int, content: Content)] = []
  private var nextID: Int64 = 1
  private var limits: PeerLimits?
  /// What was shown last, in a closed network.
  private var pass: SignedPass?

  /// - Parameter source: the peer id that the index reported.
  package init(source: PeerID) {
    self.source = source
  }

  /// Whether everything was answered.
  package var isIdle: Bool { expected.isEmpty && queue.isEmpty }

  /// Appends the first request of a connection.
  /// - Parameter pass: in a closed network.
  package mutating func greet(
    as peer: PeerID, _ name: PeerName, with pass: SignedPass? = nil, to output: inout JSONWriter
  ) {
    self.pass = pass
    send(.hello(peer: peer, name: name, pass: pass), nil, &output)
  }

  /// Appends the pass if it is another one than was shown. Call it before requests: the one that was shown may have ended.
  package mutating func show(_ pass: SignedPass?, to output: inout JSONWriter) {
    guard let pass, pass != self.pass, limits != nil else { return }
    self.pass = pass
    send(.pass(pass), nil, &output)
  }

  /// - Parameter number: identifies the content in `Line`.
  package mutating func add(_ number: Int, _ content: Content) {
    queue.append((number, content))
  }

  /// Appends the requests that are due now.
  package mutating func proceed(to output: inout JSONWriter) {
    guard let limits else { return }
    let room = max(min(limits.inflight, Self.maxRequests), 1) - expected.count
    guard room > 0 else { return }
    for item in queue.prefix(room) {
      send(.get(item.content, offset: 0, length: item.content.size), item, &output)
    }
    queue.removeFirst(min(room, queue.count))
  }

  private mutating func send(
    _ request: PeerRequest, _ item: (number: Int, content: Content)?, _ output: inout JSONWriter
  ) {
    expected.append((nextID, item))
    request.write(id: nextID, to: &output)
    nextID += 1
  }

  package mutating func received(_ reply: JSONObject) throws(SourceFailure) -> Line {
    // What other contents the source gets.
    if reply["event"] != nil { return .answer }
    guard let first = expected.first, reply["id"]?.integer == first.id else {
      if reply["id"]?.kind == .null, let failure = try? WireFailure(reply: reply) { throw .refused(failure) }
      throw .protocolViolation("an answer out of order")
    }
    expected.removeFirst()
    let failure = try read { () throws(WireFailure) in try WireFailure(reply: reply) }
    guard let item = first.item else {
      if let failure { throw .refused(failure) }
      // The answer to `pass`.
      guard limits == nil else { return .answer }
      let hello = try read { () throws(WireFailure) in try PeerHelloReply(reply) }
      guard hello.peer == source else { throw .otherPeer(hello.peer) }
      limits = hello.limits
      return .answer
    }
    if let failure { return .lacks(item.number, .refused(failure)) }
    let get = try read { () throws(WireFailure) in try GetReply(reply) }
    guard get.offset == 0, get.length == item.content.size else {
      throw .protocolViolation("other bytes than were asked for")
    }
    return .body(item.number, count: Int(item.content.size))
  }

  private func read<Value>(_ body: () throws(WireFailure) -> Value) throws(SourceFailure) -> Value {
    do throws(WireFailure) { return try body() } catch { throw .protocolViolation(error.message) }
  }
}
