// SPDX-License-Identifier: Apache-2.0

import IndexServer
import LineJSON
import TestSupport
import Testing
import WireProtocol

/// Many requests, many connections, and those who do not keep up.
@Suite struct LoadTests {
  @Test func `pipelined requests are answered in order`() async throws {
    try await ServedIndex.with { index in
      let connection = try index.session()
      _ = try connection.ask(Wire.add((0..<100).map { Wire.document("file/\($0)", content: $0) }))
      let requests = (0..<2000).map { Wire.lookup("file/\($0 % 101)", id: $0) + "\n" }
      try connection.send(Array(requests.joined().utf8))
      for number in 0..<2000 {
        let reply = try connection.reply()
        #expect(reply["id"] == .integer(Int64(number)))
        #expect(reply.outcome == (number % 101 == 100 ? "404 not-found" : "200"))
      }
    }
  }

  @Test func `memory is bounded while nobody reads the answers`() async throws {
    try await ServedIndex.with { index in
      let holder = try index.session()
      let title = String(repeating: "t", count: 500)
      _ = try holder.ask(Wire.add((0..<1000).map { Wire.document("file/\(10_000 + $0)", title, content: $0) }))
      let before = Memory.resident
      let flooders = try (0..<8).map { _ in try index.session(peer: Wire.bob, name: "bob", port: nil) }
      // Each asks for 1.5 GB of answers.
      let requests = Array(repeating: #"{"id":1,"op":"list","limit":1000}"# + "\n", count: 2000).joined()
      for flooder in flooders { try flooder.send(Array(requests.utf8)) }
      for _ in 0..<20 { _ = try holder.ask(#"{"id":2,"op":"ping"}"#) }
      #expect(Memory.resident - before < 64 * 1024 * 1024)
      // Whoever begins to read gets all of it after all.
      for _ in 0..<5 { #expect(try flooders[0].reply().rows("documents").count > 500) }
    }
  }

  @Test func `connections over the limit are refused while all others have records`() async throws {
    var limits = IndexLimits()
    limits.connections = 2
    try await ServedIndex.with(limits: limits) { index in
      var sessions = [try index.session(), try index.session(peer: Wire.bob, name: "bob")]
      for session in sessions { _ = try session.ask(Wire.add(Wire.document("file/a"))) }
      let third = try index.connect()
      let refusal = try third.reply()
      #expect(refusal.outcome == "429 too-many")
      #expect(refusal["id"] == .null && refusal["limit"] == "connections" && refusal["value"] == 2)
      #expect((refusal["retry_after"]?.integer ?? 0) > 0)
      #expect(third.isClosedByPeer())
      #expect(try sessions[0].ask(#"{"id":2,"op":"ping"}"#).outcome == "200")
      sessions.removeLast()
      let isLetIn = await eventually {
        let connection = try? index.connect()
        return (try? connection?.ask(Wire.hello()))?.outcome == "200"
      }
      #expect(isLetIn)
    }
  }

  @Test func `connection over the limit takes the place of the oldest without hello, then without records`()
    async throws
  {
    var limits = IndexLimits()
    limits.connections = 3
    try await ServedIndex.with(limits: limits) { index in
      let holder = try index.session()
      _ = try holder.ask(Wire.add(Wire.document("file/a")))
      let reader = try index.session(peer: Wire.bob, name: "bob", port: nil)
      let silent = try index.connect()
      let other = Wire.hello().replacing(#""protocol":1"#, with: #""protocol":9"#)
      #expect(try silent.ask(other).outcome == "505 unsupported-protocol")
      let first = try index.session(peer: Wire.bob, name: "bob", port: nil)
      #expect(silent.isClosedByPeer())
      _ = try index.session(peer: Wire.bob, name: "bob", port: nil)
      #expect(reader.isClosedByPeer())
      for kept in [holder, first] { #expect(try kept.ask(#"{"id":2,"op":"ping"}"#).outcome == "200") }
    }
  }

  @Test func `long line is answered before the connection closes`() async throws {
    try await ServedIndex.with { index in
      let connection = try index.session()
      try connection.send(Array(repeating: UInt8(ascii: "x"), count: 3_000_000))
      #expect(try connection.reply().outcome == "413 too-large")
      #expect(connection.isClosedByPeer())
    }
  }

  @Test func `line of exactly the limit is taken`() async throws {
    try await ServedIndex.with { index in
      let connection = try index.session()
      let frame = #"{"id":2,"op":"ping","padding":""}"#
      let padding = String(repeating: "p", count: IndexLimits().line - frame.utf8.count)
      try connection.send(#"{"id":2,"op":"ping","padding":"\#(padding)"}"#)
      #expect(try connection.reply().outcome == "200")
    }
  }
}

/// What this process holds.
enum Memory {
  /// In bytes (proc(5), statm).
  static var resident: Int {
    let fields = TemporaryDirectory.read("/proc/self/statm").map { String(decoding: $0, as: UTF8.self) } ?? ""
    return (fields.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
  }
}
