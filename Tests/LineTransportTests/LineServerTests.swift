// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import POSIXSupport
import TestSupport
import Testing

/// Answers each line with itself. "slow" is answered a second time once the server drains; "who" with the user of the
/// other end; "stay" makes the connection refuse to drain.
private final class ServedRole: LineRole {
  private weak var connection: (any LineConnection)?
  private var isSlow = false
  private var stays = false

  func opened(_ connection: any LineConnection) { self.connection = connection }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    let text = String(decoding: line, as: UTF8.self)
    switch text {
    case "slow": isSlow = true
    case "stay": stays = true
    case "who":
      output.bytes += Array((connection?.credentials.map { "\($0.user)\n" } ?? "nobody\n").utf8)
      return .next
    default: break
    }
    output.bytes += Array(text.utf8) + [0x0A]
    return isSlow ? .busy : .next
  }

  func draining(output: inout JSONWriter) -> Bool {
    guard isSlow, let connection else { return !stays }
    isSlow = false
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    connection.eventLoop.execute {
      bound.value.connection?.send { $0.bytes += Array("slow again\n".utf8) }
      bound.value.connection?.resume()
    }
    return true
  }

  func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter) {
    output.bytes += Array("\(refusal)\n".utf8)
  }
}

@Suite struct LineServerTests {
  private let directory: TemporaryDirectory
  private let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("socket")
  }

  private func start(
    _ listener: LineServer.Listener, gate: ConnectionGate = ConnectionGate(limit: 10, limitOfAddress: 10)
  ) async throws -> LineServer {
    try await LineServer.start(
      listener, group: MultiThreadedEventLoopGroup.singleton, limits: LineLimits(line: 1024), gate: gate
    ) { _ in ServedRole() }
  }

  // MARK: Draining

  @Test func `drain answers what is under way`() async throws {
    let server = try await start(.unix(path: path))
    let connection = try RawConnection(path: path)
    try connection.send("slow")
    #expect(try connection.line() == "slow")
    try connection.send("next")
    await server.drain(within: .seconds(60))
    #expect(try connection.line() == "slow again")
    #expect(try connection.line() == "next" || connection.line() == nil)
  }

  @Test func `drain closes idle connections`() async throws {
    let server = try await start(.unix(path: path))
    let connections = try (0..<5).map { _ in try RawConnection(path: path) }
    for connection in connections {
      try connection.send("hello")
      #expect(try connection.line() == "hello")
    }
    let drained = Task { await server.drain(within: .seconds(60)) }
    for connection in connections { #expect(try connection.line() == nil) }
    for connection in connections { connection.finishSending() }
    await drained.value
  }

  @Test func `drain closes what does not end in time`() async throws {
    let server = try await start(.unix(path: path))
    let connection = try RawConnection(path: path)
    try connection.send("stay")
    #expect(try connection.line() == "stay")
    await server.drain(within: .milliseconds(1))
    #expect(connection.isClosedByPeer())
  }

  @Test func `drained server accepts nothing`() async throws {
    let server = try await start(.unix(path: path))
    await server.drain(within: .seconds(60))
    await server.drain(within: .seconds(60))
    #expect(throws: RawConnection.Failure.self) { try RawConnection(path: path) }
  }

  // MARK: Refusing

  @Test func `connections over the limit are refused and the slot is free after a close`() async throws {
    let gate = ConnectionGate(limit: 1, limitOfAddress: 1)
    let server = try await start(.unix(path: path), gate: gate)
    var first: RawConnection? = try RawConnection(path: path)
    try first?.send("hello")
    #expect(try first?.line() == "hello")
    let second = try RawConnection(path: path)
    #expect(try second.line() == "tooMany(limit: 1)")
    #expect(try second.line() == nil)
    first = nil
    #expect(await eventually { gate.count == 0 })
    let third = try RawConnection(path: path)
    try third.send("hello")
    #expect(try third.line() == "hello")
    await server.drain(within: .milliseconds(1))
  }

  @Test func `refused client may send what it likes`() async throws {
    let server = try await start(.unix(path: path), gate: ConnectionGate(limit: 0, limitOfAddress: 0))
    let connection = try RawConnection(path: path)
    connection.sendWithoutWaiting(Array(repeating: 0x78, count: 100_000))
    #expect(try connection.line() == "tooMany(limit: 0)")
    #expect(try connection.line() == nil)
    await server.drain(within: .milliseconds(1))
  }

  // MARK: Unix sockets

  @Test func `only the owner may connect`() async throws {
    let server = try await start(.unix(path: path))
    var status = stat()
    #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    await server.drain(within: .milliseconds(1))
    #expect(lstat(path, &status) != 0, "the file goes with the server")
  }

  @Test func `role learns who connects`() async throws {
    let server = try await start(.unix(path: path))
    let connection = try RawConnection(path: path)
    try connection.send("who")
    #expect(try connection.line() == "\(getuid())")
    await server.drain(within: .milliseconds(1))
  }

  @Test func `socket that a dead process left is replaced`() async throws {
    try UnixListener.abandon(at: path)
    let server = try await start(.unix(path: path))
    let connection = try RawConnection(path: path)
    try connection.send("hello")
    #expect(try connection.line() == "hello")
    await server.drain(within: .milliseconds(1))
  }

  @Test func `socket at which somebody listens is left alone`() async throws {
    let descriptor = try UnixListener.listen(at: path)
    await #expect(throws: ListenerError.self) { try await start(.unix(path: path)) }
    _ = try RawConnection(path: path)
    close(descriptor)
  }

  @Test func `file that is no socket is left alone`() async throws {
    try directory.write("socket", [1, 2, 3])
    await #expect(throws: ListenerError.self) { try await start(.unix(path: path)) }
    #expect(TemporaryDirectory.read(path) == [1, 2, 3])
  }

  @Test func `file that took the place of the socket is left alone`() async throws {
    let server = try await start(.unix(path: path))
    unlink(path)
    try directory.write("socket", [1, 2, 3])
    await server.drain(within: .milliseconds(1))
    #expect(TemporaryDirectory.read(path) == [1, 2, 3])
  }

  @Test(arguments: ["", String(repeating: "x", count: 108)])
  func `path that is no socket path is an error`(path: String) async throws {
    await #expect(throws: ListenerError.self) { try await start(.unix(path: path)) }
  }

  // MARK: Inherited sockets

  @Test func `inherited socket is served`() async throws {
    let server = try await start(.inherited(try UnixListener.listen(at: path)))
    let connection = try RawConnection(path: path)
    try connection.send("hello")
    #expect(try connection.line() == "hello")
    await server.drain(within: .milliseconds(1))
    #expect(access(path, F_OK) == 0, "its file belongs to the process that made it")
  }

  @Test func `descriptor that is no listening socket is an error`() async throws {
    let file = open("/dev/null", O_RDONLY)
    await #expect(throws: ListenerError.self) { try await start(.inherited(file)) }
    close(file)
    await #expect(throws: ListenerError.self) { try await start(.inherited(1 << 20)) }
  }

  // MARK: All addresses

  @Test(arguments: [EAFNOSUPPORT, EADDRNOTAVAIL])
  func `empty host falls back to IPv4 on a machine without IPv6`(error: CInt) async throws {
    let bound = try await LineServer.bind(host: "") { host in
      guard host != "::" else { throw IOError(errnoCode: error, reason: "bind") }
      return host
    }
    #expect(bound == "0.0.0.0")
  }

  @Test func `empty host means IPv6 and IPv4 where both exist`() async throws {
    #expect(try await LineServer.bind(host: "") { $0 } == "::")
  }

  @Test func `address in use is no reason to fall back`() async throws {
    await #expect(throws: IOError.self) {
      try await LineServer.bind(host: "") { host in
        guard host != "::" else { throw IOError(errnoCode: EADDRINUSE, reason: "bind") }
        return host
      }
    }
  }

  @Test func `named host is bound as it is`() async throws {
    #expect(try await LineServer.bind(host: "192.0.2.1") { $0 } == "192.0.2.1")
    await #expect(throws: IOError.self) {
      try await LineServer.bind(host: "::1") { _ -> String in throw IOError(errnoCode: EAFNOSUPPORT, reason: "bind") }
    }
  }
}
