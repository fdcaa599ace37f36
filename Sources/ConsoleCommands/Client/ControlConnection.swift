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
      throw .malformed(path, reason: "an event came before the greeting")
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
        throw ControlError.malformed(path, reason: failure.message)
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
    case .success, .failure: throw .malformed(path, reason: "an answer to another request came")
    }
  }

  private mutating func receiveLine(timeout: Duration?) throws(ControlError) -> JSONValue {
    while true {
      let line: [UInt8]?
      do {
        line = try lines.next()
      } catch {
        throw .malformed(path, reason: "a line has more than \(ControlPlane.lineLimit) bytes")
      }
      if let line {
        do { return try Jansson.decode(line, maximumLength: ControlPlane.lineLimit) } catch {
          throw .malformed(path, reason: "\(error)")
        }
      }
      let bytes = try stream.receive(Self.readSize, timeout: timeout)
      guard !bytes.isEmpty else { throw .closed(path) }
      lines.append(bytes)
    }
  }

  private func decode<Value>(_ read: () throws(WireFailure) -> Value) throws(ControlError) -> Value {
    do { return try read() } catch { throw .malformed(path, reason: error.message) }
  }
}

/// Why a request over a control socket has no answer to show.
package enum ControlError: Error, Equatable, Sendable {
  /// The path does not fit into a socket address: unix(7) gives 108 bytes with the end.
  case pathTooLong(String)
  /// There is no socket at the path.
  case noSocket(String)
  /// A socket is there, and nobody listens: its daemon was killed.
  case refused(String)
  /// The rights of the socket or of a directory above it keep the caller out.
  case notPermitted(String)
  /// No byte came within the time, in seconds.
  case noAnswer(String, seconds: Int)
  /// The other side closed the connection before it had answered.
  case closed(String)
  /// What came is no line of the protocol.
  case malformed(String, reason: String)
  /// What is asked has no form on the wire: a NUL character in a text.
  case unsendable(reason: String)
  /// The one who answers is not who was asked for.
  case wrongRole(String, ControlHelloReply.Role)
  /// A system call failed with this errno.
  case system(String, call: String, errno: Int32)
  /// The daemon refused, or failed.
  case failure(ControlFailure)
  /// The person at the terminal stopped it.
  case interrupted
}
