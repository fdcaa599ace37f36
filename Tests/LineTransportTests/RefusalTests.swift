// SPDX-License-Identifier: Apache-2.0

import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Says why nobody may enter.
private final class FullRole: LineRole {
  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict { .next }

  func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter) {
    output.bytes += Array("full\n".utf8)
  }
}

/// Many who are not let in.
@Suite struct RefusalTests {
  /// Those that are told stay until they close, or for a time; a flood of them must not fill the server.
  @Test func `number of refusals at a time is limited`() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let directory = try TemporaryDirectory()
    let path = directory.file("socket")
    var limits = LineLimits(line: 1024)
    limits.discardTime = .seconds(3600)
    let gate = ConnectionGate(limit: 0, limitOfAddress: 0, refusalLimit: 3)
    let server = try await LineServer.start(.unix(path: path), group: group, limits: limits, gate: gate) { _ in
      FullRole()
    }
    var connections = try (0..<10).map { _ in try RawConnection(path: path) }
    let words = try connections.map { try $0.line() }
    #expect(words == Array(repeating: "full", count: 3) + Array(repeating: nil, count: 7))
    connections = []
    #expect(await eventually { (try? RawConnection(path: path).line()) == "full" })
    await server.drain(within: .milliseconds(1))
    try await group.shutdownGracefully()
  }
}
