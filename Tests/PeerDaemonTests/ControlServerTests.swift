// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// A control server over a real Unix socket.
@Suite struct ControlServerTests {
  /// Answers `transfers` immediately, `peers` with `limit` events, `status` never.
  private final class Answers: Sendable {
    let cancelled = Atomic<Int>(0)
    let running = Atomic<Int>(0)
    let sent = Atomic<Int>(0)

    func answer(
      _ request: ControlRequest, _ events: ControlEvents
    ) async throws(WireFailure) -> any WireReply {
      switch request {
      case .status:
        running.add(1, ordering: .relaxed)
        try? await Task.sleep(for: .seconds(3600))
        cancelled.add(1, ordering: .relaxed)
        throw WireFailure(.cancelled, "cancelled")
      case .peers(let limit):
        let wide = ControlEvent.unknown(String(repeating: "x", count: 1000))
        for _ in 0..<(limit ?? 0) {
          try await events.send([wide])
          sent.add(1, ordering: .relaxed)
        }
        return ControlPeersReply(peers: limit ?? 0)
      case .transfers:
        events.offer(.unknown("offered"))
        return ControlTransfersReply(transfers: 0)
      default:
        throw WireFailure(.internal, "unexpected")
      }
    }
  }

  private func withServer(_ body: @escaping @Sendable (String, Answers) throws -> Void) async throws {
    let directory = try TemporaryDirectory()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let answers = Answers()
    let path = directory.file("control.sock")
    let server = try await ControlServer.start(
      .unix(path: path), greeting: ControlHelloReply(server: "p2p-peer/0", role: .peer, peer: nil, name: "alice"),
      group: group
    ) { (request, events) async throws(WireFailure) in try await answers.answer(request, events) }
    do { try await onThread { try body(path, answers) } } catch {
      await server.drain(within: .milliseconds(100))
      throw error
    }
    await server.drain(within: .milliseconds(100))
    #expect(access(path, F_OK) != 0, "the socket file is removed")
    try await group.shutdownGracefully()
  }

  private static func greeted(_ path: String) throws -> RawConnection {
    let connection = try RawConnection(path: path)
    #expect(try connection.ask(#"{"id":1,"op":"hello","protocol":1}"#)["status"] == 200)
    return connection
  }

  @Test func `socket is accessible to its owner only`() async throws {
    try await withServer { path, _ in
      var status = stat()
      #expect(lstat(path, &status) == 0)
      #expect(status.st_mode & 0o777 == 0o600)
    }
  }

  @Test func `session continues after malformed lines`() async throws {
    try await withServer { path, _ in
      let connection = try Self.greeted(path)
      for line in ["", "nonsense", "[1]", #"{"id":2,"op":"nothing"}"#, #"{"id":3"#, "{\"id\":1,\"op\":\"\u{7}\"}"] {
        #expect(try connection.ask(line)["status"] != 200)
      }
      try connection.send([0x7B, 0x22, 0xC3, 0x28, 0x22, 0x7D, 0x0A])
      #expect(try connection.reply()["error"] == "bad-request")
      #expect(try connection.ask(#"{"id":4,"op":"transfers"}"#)["event"] == "offered")
      #expect(try connection.reply()["status"] == 200)
    }
  }

  @Test func `line over the limit is answered and ends the connection`() async throws {
    try await withServer { path, _ in
      let connection = try Self.greeted(path)
      try connection.send([UInt8](repeating: 0x20, count: ControlPlane.lineLimit + 2))
      let answer = try connection.reply()
      #expect(answer["error"] == "too-large")
      #expect(answer["limit"] == "line")
      #expect(connection.isClosedByPeer())
    }
  }

  @Test func `pipelined requests are answered in order`() async throws {
    try await withServer { path, _ in
      let connection = try Self.greeted(path)
      try connection.send(#"{"id":2,"op":"peers","limit":3}"# + "\n" + #"{"id":3,"op":"peers","limit":1}"#)
      var ids = [Int64?]()
      for _ in 0..<6 { ids.append(try connection.reply()["id"]?.integer) }
      #expect(ids == [nil, nil, nil, 2, nil, 3])
    }
  }

  @Test func `closing the connection cancels its request`() async throws {
    try await withServer { path, answers in
      do {
        let connection = try Self.greeted(path)
        try connection.send(#"{"id":2,"op":"status"}"#)
        #expect(eventuallyOnThread { answers.running.load(ordering: .relaxed) == 1 })
      }
      #expect(eventuallyOnThread { answers.cancelled.load(ordering: .relaxed) == 1 })
    }
  }

  @Test func `half-closed connection gets its replies`() async throws {
    try await withServer { path, _ in
      let connection = try Self.greeted(path)
      try connection.send(#"{"id":2,"op":"peers","limit":2}"#)
      connection.finishSending()
      for _ in 0..<2 { #expect(try connection.reply()["event"] != nil) }
      #expect(try connection.reply()["status"] == 200)
      #expect(try connection.line() == nil)
    }
  }

  @Test func `slow reader delays the work`() async throws {
    try await withServer { path, answers in
      let connection = try Self.greeted(path)
      let count = 2000
      try connection.send(#"{"id":2,"op":"peers","limit":\#(count)}"#)
      // The socket buffer fills; the rest waits for the reader.
      #expect(eventuallyOnThread { answers.sent.load(ordering: .relaxed) > 10 })
      var before = -1
      while before != answers.sent.load(ordering: .relaxed) {
        before = answers.sent.load(ordering: .relaxed)
        usleep(50_000)
      }
      #expect(before < count / 2)
      for _ in 0..<count { #expect(try connection.reply()["event"] != nil) }
      #expect(try connection.reply()["peers"] == 2000)
    }
  }

  @Test func `connections over the limit are refused`() async throws {
    try await withServer { path, _ in
      var connections = [RawConnection]()
      for _ in 0..<ControlServer.connectionLimit { connections.append(try Self.greeted(path)) }
      let refused = try RawConnection(path: path)
      let answer = try refused.reply()
      #expect(answer["error"] == "too-many")
      #expect(answer["limit"] == "connections")
      #expect(refused.isClosedByPeer())
      connections.removeLast()
      #expect(
        eventuallyOnThread {
          (try? RawConnection(path: path).ask(#"{"id":1,"op":"hello","protocol":1}"#)["status"]) == 200
        })
    }
  }

  // MARK: The socket file

  private func start(_ path: String, on group: any EventLoopGroup) async throws -> LineServer {
    try await ControlServer.start(
      .unix(path: path), greeting: ControlHelloReply(server: "p2p-peer/0", role: .peer, peer: nil, name: "alice"),
      group: group
    ) { (request, events) async throws(WireFailure) in try await Answers().answer(request, events) }
  }

  @Test func `only a stale socket file is replaced`() async throws {
    let directory = try TemporaryDirectory()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let path = directory.file("control.sock")
    try UnixListener.abandon(at: path)
    let server = try await start(path, on: group)
    await #expect(throws: ListenerError.self) { try await start(path, on: group) }
    try await onThread { _ = try Self.greeted(path) }
    await server.drain(within: .seconds(1))

    try directory.write("control.sock", [1])
    await #expect(throws: ListenerError.self) { try await start(path, on: group) }
    #expect(TemporaryDirectory.read(path) == [1])
    try await group.shutdownGracefully()
  }

  @Test func `path too long for a socket is refused`() async throws {
    let directory = try TemporaryDirectory()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let long = directory.file(String(repeating: "x", count: 108 - directory.path.utf8.count - 1))
    #expect(long.utf8.count == 108)
    let error = await #expect(throws: ListenerError.self) { try await start(long, on: group) }
    #expect(error?.description.contains("107") == true)
    await #expect(throws: IOError.self) { try await start(directory.file("missing/x"), on: group) }
    try await group.shutdownGracefully()
  }
}
