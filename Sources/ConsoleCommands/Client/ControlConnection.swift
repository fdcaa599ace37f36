// SPDX-License-Identifier: Apache-2.0

package import LineJSON
package import WireProtocol

/// A conversation with one daemon over its control socket: greeted, then one request at a time.
///
/// It blocks its thread: a front end has nothing else to do. Closing it, by letting go of it, cancels what runs.
package struct ControlConnection: ~Copyable {
  /// How long a daemon may take to answer `hello`: it does so at once, whatever else it waits for.
  package static let helloTimeout = Duration.seconds(2)
  private static let readSize = 65_536

  /// Who answers.
  package private(set) var greeting: ControlHelloReply
  private let stream: UnixStream
  private var lines = LineSplitter(maximumLength: ControlPlane.lineLimit)
  private var nextID: Int64 = 2

  /// Connects and says `hello`.
  /// - Parameters:
  ///   - path: absolute, at most 107 bytes.
  ///   - role: who is expected there.
  package static func open(_ path: String, role: ControlHelloReply.Role, timeout: Duration = helloTimeout)
    throws(ControlError) -> ControlConnection
  {
    var connection = ControlConnection(
      greeting: ControlHelloReply(server: "", role: role, peer: nil, name: ""),
      stream: try UnixStream(connectingTo: path, timeout: timeout))
    try connection.greet(timeout: timeout)
    guard connection.greeting.role == role else { throw .wrongRole(path, connection.greeting.role) }
    return connection
  }

  private init(greeting: ControlHelloReply, stream: consuming UnixStream) {
    self.greeting = greeting
    self.stream = stream
  }

  private mutating func greet(timeout: Duration) throws(ControlError) {
    try send(ControlRequest.hello(protocol: ProtocolVersion.wire).json(id: 1), timeout: timeout)
    // Nothing was asked for yet, so that the first line is the answer.
    guard case .reply(let reply) = try receive(answerTo: 1, timeout: timeout) else {
      throw .garbage(path, reason: "an event came before the greeting")
    }
    greeting = try decode { () throws(WireFailure) in try ControlHelloReply(reply) }
  }

  package var path: String { stream.path }
  /// The process that listens.
  package var peerProcess: Int32? { stream.peerProcess }

  /// Asks, hands every event to `onEvent`, and returns the reply.
  /// - Parameters:
  ///   - timeout: the longest silence between two lines; `nil` waits for ever.
  ///   - onEvent: what it throws ends the conversation.
  package mutating func request<Reply: ControlReply>(
    _ request: ControlRequest, for type: Reply.Type = Reply.self, timeout: Duration?,
    onEvent: (ControlEvent) throws -> Void = { _ in }
  ) throws -> Reply {
    let path = path
    let reply = try exchange(timeout: timeout) {
      request.json(id: $0)
    } onEvent: { line in
      do {
        if let event = try ControlEvent(line) { try onEvent(event) }
      } catch let failure as WireFailure {
        throw ControlError.garbage(path, reason: failure.message)
      }
    }
    return try decode { () throws(WireFailure) in try Reply(reply) }
  }

  /// The same with lines as they are, for planes whose messages lie elsewhere.
  /// - Parameter line: makes the request's line with the id it is given.
  package mutating func exchange(
    timeout: Duration?, line: (Int64) -> JSONValue, onEvent: (JSONValue) throws -> Void = { _ in }
  ) throws -> JSONValue {
    let id = nextID
    nextID += 1
    try send(line(id), timeout: timeout)
    while true {
      switch try receive(answerTo: id, timeout: timeout) {
      case .event(let event): try onEvent(event)
      case .reply(let reply): return reply
      }
    }
  }

  /// Waits until the other side closes.
  /// - Returns: false where it has not within `timeout` of silence.
  package mutating func waitForEnd(timeout: Duration) throws(ControlError) -> Bool {
    do {
      while !(try stream.receive(Self.readSize, timeout: timeout)).isEmpty {}
      return true
    } catch .noAnswer {
      return false
    }
  }

  // MARK: Lines

  private func send(_ json: JSONValue, timeout: Duration?) throws(ControlError) {
    let line: [UInt8]
    do { line = try Jansson.encodeLine(json) } catch { throw .unsendable(reason: "\(error)") }
    try stream.send(line, timeout: timeout)
  }

  private enum Received {
    case event(JSONValue)
    case reply(JSONValue)
  }

  private mutating func receive(answerTo id: Int64, timeout: Duration?) throws(ControlError) -> Received {
    let json = try receiveLine(timeout: timeout)
    guard let outcome = try decode({ () throws(WireFailure) in try ControlOutcome(json) }) else { return .event(json) }
    switch outcome {
    case .success(id, let reply): return .reply(reply)
    // A refusal without an id is the last thing that is said on a connection.
    case .failure(id, let failure), .failure(nil, let failure): throw .failure(failure)
    case .success, .failure: throw .garbage(path, reason: "an answer to another request came")
    }
  }

  private mutating func receiveLine(timeout: Duration?) throws(ControlError) -> JSONValue {
    while true {
      let line: [UInt8]?
      do {
        line = try lines.next()
      } catch {
        throw .garbage(path, reason: "a line has more than \(ControlPlane.lineLimit) bytes")
      }
      if let line {
        do { return try Jansson.decode(line, maximumLength: ControlPlane.lineLimit) } catch {
          throw .garbage(path, reason: "\(error)")
        }
      }
      let bytes = try stream.receive(Self.readSize, timeout: timeout)
      guard !bytes.isEmpty else { throw .closed(path) }
      lines.append(bytes)
    }
  }

  private func decode<Value>(_ read: () throws(WireFailure) -> Value) throws(ControlError) -> Value {
    do { return try read() } catch { throw .garbage(path, reason: error.message) }
  }
}
