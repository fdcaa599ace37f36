// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Sends "hello" when it is opened, and keeps the first line that comes back.
private final class GreetingRole: LineRole {
  private let reply: EventLoopPromise<String>

  init(reply: EventLoopPromise<String>) {
    self.reply = reply
  }

  func opened(_ connection: any LineConnection) {
    connection.send { $0.bytes += Array("hello\n".utf8) }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    reply.succeed(String(decoding: line, as: UTF8.self))
    return .next
  }

  func closed() {
    reply.fail(ChannelError.eof)
  }
}

private final class AnsweringRole: LineRole {
  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    output.bytes += Array("you said ".utf8) + Array(line) + [0x0A]
    return .next
  }
}

@Suite struct LineClientTests {
  private let group = MultiThreadedEventLoopGroup.singleton
  private let limits = LineLimits(line: 1024)

  private func serve(_ listener: LineServer.Listener) async throws -> LineServer {
    try await LineServer.start(
      listener, group: group, limits: limits, gate: ConnectionGate(limit: 10, limitOfAddress: 10)
    ) { _ in AnsweringRole() }
  }

  @Test func `client and server exchange lines over TCP with keep-alive`() async throws {
    let server = try await serve(.address(host: "127.0.0.1", port: 0))
    let address = try #require(server.address)
    let reply = group.any().makePromise(of: String.self)
    let channel = try await LineClient.connect(
      to: address, on: group.any(), limits: limits, timeout: .seconds(10), receiveBuffer: LineClient.bodyBuffer
    ) { _ in GreetingRole(reply: reply) }.get()
    #expect(try await reply.futureResult.get() == "you said hello")
    #expect(try await channel.getOption(.socketOption(.so_keepalive)).get() == 1)
    #expect(try await channel.getOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE))).get() == 30)
    try await channel.close()
    await server.drain(within: .milliseconds(1))
  }

  @Test func `role hears that the server closes`() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("socket")
    let descriptor = try UnixListener.listen(at: path)
    let reply = group.any().makePromise(of: String.self)
    let channel = try await LineClient.connect(
      to: SocketAddress(unixDomainSocketPath: path), on: group.any(), limits: limits, timeout: .seconds(10)
    ) { _ in GreetingRole(reply: reply) }.get()
    close(descriptor)
    await #expect(throws: (any Error).self) { try await reply.futureResult.get() }
    try await channel.closeFuture.get()
  }

  @Test func `connection to nobody fails`() async throws {
    let directory = try TemporaryDirectory()
    let reply = group.any().makePromise(of: String.self)
    await #expect(throws: (any Error).self) {
      try await LineClient.connect(
        to: SocketAddress(unixDomainSocketPath: directory.file("none")), on: group.any(), limits: limits,
        timeout: .seconds(10)
      ) { _ in GreetingRole(reply: reply) }.get()
    }
    reply.fail(ChannelError.eof)
  }

  @Test func `pulse passes through every loop`() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
    let pulse = LoopPulse.through(group)
    await withCheckedContinuation { continuation in pulse { continuation.resume() } }
    try await group.shutdownGracefully()
  }

  @Test(arguments: [
    (EADDRINUSE, "--listen HOST:PORT chooses another address"), (EADDRNOTAVAIL, "an address of this machine"),
    (EACCES, "Ports below 1024"), (EMFILE, "cannot listen at :1: Too many open files"),
  ])
  func `listen failure says what to do`(error: CInt, hint: String) {
    let text = ListenFailure.explain(IOError(errnoCode: error, reason: "bind"), listen: ":1")
    #expect(text.contains(hint))
  }

  @Test func `failure that is no system error is shown as it is`() {
    #expect(ListenFailure.explain(ChannelError.eof, listen: ":1").hasPrefix("cannot listen at :1: "))
  }
}
