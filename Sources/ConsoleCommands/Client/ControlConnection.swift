// SPDX-License-Identifier: Apache-2.0

package import LineJSON
package import WireProtocol

/// A connection to one daemon over its control socket: `hello`, then one request at a time.
///
/// Calls block the thread, since a front end has nothing else to do. Dropping the value closes the connection, which
/// cancels a running request.
package struct ControlConnection: ~Copyable {
  /// How long a daemon may take to answer `hello`, which it does immediately, whatever the index does.
  package static let helloTimeout = Duration.seconds(2)
  private static let readSize = 65_536

  /// The answer to `hello`.
  package private(set) var greeting: ControlHelloReply
  private var stream: UnixStream
  private var lines = LineSplitter(maximumLength: ControlPlane.lineLimit)
  private var nextID: Int64 = 2

  /// Connects and says `hello`.
  /// - Parameters:
  ///   - path: absolute, at most 107 bytes.
  ///   - role: the expected role of the daemon.
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
    // No request was sent yet, so the first line is the answer.
    guard case .reply(let reply) = try receive(answerTo: 1, timeout: timeout) else {
      throw .malformed(path, reason: "an event before the answer to hello")
    }
    greeting = try decode { () throws(WireFailure) in try ControlHelloReply(reply) }
  }

  /// Ends every wait from now on if the reader of this descriptor goes: by `outputClosed`.
  package mutating func endWithReader(of output: Int32) {
    stream.output = output
  }

  package var path: String { stream.path }
  /// The pid of the listening process.
  package var peerProcess: Int32? { stream.peerProcess }

  /// Sends a request, passes every event to `onEvent`, and returns the reply.
  /// - Parameters:
  ///   - timeout: maximum silence between two lines; `nil` waits indefinitely.
  ///   - onEvent: its errors are passed on, as those of `onBytes`; the connection is then unusable.
  ///   - onBytes: receives the bytes of a stream in order.
  ///   - onQuiet: called after each second in which nothing came; its errors end the request.
  package mutating func request<Reply: WireReply>(
    _ request: ControlRequest, for type: Reply.Type = Reply.self, timeout: Duration?,
    onEvent: (ControlEvent) throws -> Void = { _ in }, onBytes: ([UInt8]) throws -> Void = { _ in },
    onQuiet: () throws(ControlError) -> Void = {}
  ) throws -> Reply {
    let path = path
    let reply = try exchange(timeout: timeout, onBytes: onBytes, onQuiet: onQuiet) {
      request.json(id: $0)
    } onEvent: { line in
      do {
        guard let event = try ControlEvent(line) else { return 0 }
        if case .bytes(let count) = event { return count }
        try onEvent(event)
        return 0
      } catch let failure as WireFailure {
        throw ControlError.malformed(path, reason: failure.message)
      }
    }
    return try decode { () throws(WireFailure) in try Reply(reply) }
  }

  /// The same with undecoded lines, for the supervisor's plane.
  /// - Parameter line: makes the request's line with the given id.
  package mutating func exchange(
    timeout: Duration?, line: (Int64) -> JSONValue, onEvent: (JSONValue) throws -> Void = { _ in }
  ) throws -> JSONValue {
    try exchange(timeout: timeout, onBytes: { _ in }, onQuiet: {}, line: line) {
      try onEvent($0)
      return 0
    }
  }

  /// - Parameter onEvent: returns the number of raw bytes that follow the event.
  private mutating func exchange(
    timeout: Duration?, onBytes: ([UInt8]) throws -> Void, onQuiet: () throws(ControlError) -> Void,
    line: (Int64) -> JSONValue, onEvent: (JSONValue) throws -> Int
  ) throws -> JSONValue {
    let id = nextID
    nextID += 1
    try send(line(id), timeout: timeout)
    while true {
      switch try receive(answerTo: id, timeout: timeout, onQuiet: onQuiet) {
      case .event(let event): try receiveBytes(try onEvent(event), timeout: timeout, onBytes)
      case .reply(let reply): return reply
      }
    }
  }

  /// Waits until the other side closes the connection.
  /// - Returns: false after `timeout` of silence.
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

  private mutating func receive(
    answerTo id: Int64, timeout: Duration?, onQuiet: () throws(ControlError) -> Void = {}
  ) throws(ControlError) -> Received {
    let json = try receiveLine(timeout: timeout, onQuiet: onQuiet)
    guard let outcome = try decode({ () throws(WireFailure) in try ControlOutcome(json) }) else { return .event(json) }
    switch outcome {
    case .success(id, let reply): return .reply(reply)
    // A refusal without an id is the last line of a connection.
    case .failure(id, let failure), .failure(nil, let failure): throw .failure(failure)
    case .success, .failure: throw .malformed(path, reason: "the answer to another request")
    }
  }

  private mutating func receiveLine(
    timeout: Duration?, onQuiet: () throws(ControlError) -> Void
  ) throws(ControlError) -> JSONValue {
    while true {
      let line: [UInt8]?
      do {
        line = try lines.next()
      } catch {
        throw .malformed(path, reason: "a line longer than \(ControlPlane.lineLimit) bytes")
      }
      if let line {
        do { return try Jansson.decode(line, maximumLength: ControlPlane.lineLimit) } catch {
          throw .malformed(path, reason: "\(error)")
        }
      }
      let bytes = try stream.receive(Self.readSize, timeout: timeout, onQuiet: onQuiet)
      guard !bytes.isEmpty else { throw .closed(path) }
      lines.append(bytes)
    }
  }

  private mutating func receiveBytes(
    _ count: Int, timeout: Duration?, _ onBytes: ([UInt8]) throws -> Void
  ) throws {
    var left = count
    while left > 0 {
      let bytes = lines.takeBytes(left)
      left -= bytes.count
      if !bytes.isEmpty { try onBytes(bytes) }
      guard left > 0 else { return }
      let more = try stream.receive(Self.readSize, timeout: timeout)
      guard !more.isEmpty else { throw ControlError.closed(path) }
      lines.append(more)
    }
  }

  private func decode<Value>(_ read: () throws(WireFailure) -> Value) throws(ControlError) -> Value {
    do { return try read() } catch { throw .malformed(path, reason: error.message) }
  }
}

/// Why a request over a control socket failed.
package enum ControlError: Error, Equatable, Sendable {
  /// The path does not fit into a socket address, which holds 108 bytes with the terminating zero: unix(7).
  case pathTooLong(String)
  /// No socket exists at the path.
  case noSocket(String)
  /// The socket exists but nothing is listening: its daemon was killed.
  case refused(String)
  /// The permissions of the socket or of a parent directory exclude the caller.
  case notPermitted(String)
  /// A process of another user listens: nothing was sent to it.
  case foreignListener(String, user: UInt32)
  /// Nothing was received within the timeout.
  case noAnswer(String, seconds: Int)
  /// The other side closed the connection without answering.
  case closed(String)
  /// The reply violates the protocol.
  case malformed(String, reason: String)
  /// The request has no representation on the wire: a string contains NUL.
  case unsendable(reason: String)
  /// A daemon with another role answered.
  case wrongRole(String, ControlHelloReply.Role)
  /// A system call failed with this errno.
  case system(String, call: String, errno: Int32)
  /// The daemon reported a failure.
  case failure(WireFailure)
  /// Ctrl-C.
  case interrupted
  /// The reader of what is received has gone.
  case outputClosed
}
