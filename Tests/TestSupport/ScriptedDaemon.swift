// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import Synchronization

/// A daemon on a Unix socket that answers each line by a script.
package final class ScriptedDaemon: Sendable {
  package enum Step: Sendable {
    case line(String)
    case bytes([UInt8])
    /// Sends nothing more and stays connected.
    case silence
    case close
  }

  /// The peer id in its greeting.
  package static let id = String(repeating: "3f", count: 32)
  package static let greeting =
    #"{"id":1,"status":200,"protocol":1,"server":"p2p-peer/0.1.0","role":"peer","peer":"\#(id)","name":"alice"}"#
  package static let supervisorGreeting =
    #"{"id":1,"status":200,"protocol":1,"server":"p2p-supervisor/0.1.0","role":"supervisor","name":"supervisor"}"#

  private struct State {
    var lines: [String] = []
    var endedConnections = 0
  }

  package let path: String
  private let listener: Int32
  private let state = Mutex(State())

  /// Greets, and answers every other request with the same steps.
  package convenience init(at path: String, greeting: String = greeting, _ steps: Step...) throws {
    try self.init(at: path) { line in line.contains(#""op":"hello""#) ? [.line(greeting)] : steps }
  }

  package init(at path: String, answer: @escaping @Sendable (String) -> [Step]) throws {
    self.path = path
    listener = try UnixListener.listen(at: path)
    let listener = listener
    // The thread ends when the listener is shut down. It must not retain the daemon.
    Worker.start { [weak self] in
      while case let connection = accept(listener, nil, nil), connection >= 0 {
        Worker.start { [weak self] in self?.serve(connection, answer) }
      }
      close(listener)
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
  }

  /// All requests except `hello`.
  package var requests: [String] { state.withLock { $0.lines.filter { !$0.contains(#""op":"hello""#) } } }
  package var endedConnections: Int { state.withLock { $0.endedConnections } }

  private func serve(_ connection: Int32, _ answer: (String) -> [Step]) {
    defer { state.withLock { $0.endedConnections += 1 } }
    defer { close(connection) }
    var pending = [UInt8]()
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      while let end = pending.firstIndex(of: 0x0A) {
        let line = String(decoding: pending[..<end], as: UTF8.self)
        pending.removeSubrange(...end)
        state.withLock { $0.lines.append(line) }
        guard play(answer(line), on: connection) else { return }
      }
      let count = recv(connection, &chunk, chunk.count, 0)
      guard count > 0 else { return }
      pending += chunk.prefix(count)
    }
  }

  /// - Returns: false to close the connection.
  private func play(_ steps: [Step], on connection: Int32) -> Bool {
    for step in steps {
      switch step {
      case .line(let text): send(Array((text + "\n").utf8), on: connection)
      case .bytes(let bytes): send(bytes, on: connection)
      case .silence: return true
      case .close: return false
      }
    }
    return true
  }

  private func send(_ bytes: [UInt8], on connection: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}

/// A detached thread for blocking work.
package enum Worker {
  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  package static func start(_ run: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let body = Unmanaged.passRetained(Body(run)).toOpaque()
    let result = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, body)
    if result == 0 { pthread_detach(thread) }
  }
}

/// A listening Unix socket.
package enum UnixListener {
  package static func listen(at path: String) throws -> Int32 {
    let address = try UnixSocketAddress(path: path)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    do {
      try address.bind(descriptor)
      guard Glibc.listen(descriptor, 16) == 0 else { throw SystemError(errno) }
    } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }

  /// Leaves a socket file behind where nothing listens.
  package static func abandon(at path: String) throws {
    close(try listen(at: path))
  }
}
