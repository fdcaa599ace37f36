// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import LineJSON
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// The peer plane, line by line.
@Suite struct UploadTests {
  /// A connection to a peer that shares 100,000 bytes; `hello` is done if `greeted`.
  private func with(
    greeted: Bool = true, _ body: (RawConnection, Content, [UInt8]) async throws -> Void
  ) async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let bytes = pattern(100_000)
      let document = try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      let connection = try RawConnection(to: alice.uploads.address)
      if greeted {
        let hello = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(alice.id)","name":"bob"}"#)
        #expect(hello["status"]?.integer == 200)
        #expect(hello["peer"]?.string == alice.id.hex)
        #expect(hello["limits"]?["get"]?.integer == 4_194_304)
      }
      try await body(connection, document.content, bytes)
    }
  }

  private func members(_ content: Content) -> String {
    #""content":"\#(content.root)","size":\#(content.size)"#
  }

  @Test func `have is answered`() async throws {
    try await with { connection, content, _ in
      let have = try connection.ask(#"{"id":2,"op":"have",\#(members(content))}"#)
      #expect(have["complete"]?.bool == true)
      #expect(have["piece"]?.integer == 262_144)
      let other = try connection.ask(#"{"id":3,"op":"have","content":"\#(content.root)","size":99}"#)
      #expect(other["error"]?.string == "not-found")
    }
  }

  @Test(arguments: [
    #""op":"have""#, #""op":"hashes","layer":0,"index":0,"length":1"#, #""op":"get","offset":0,"length":1"#,
  ])
  func `unshared content is not found`(_ request: String) async throws {
    try await with { connection, content, _ in
      let refusal = try connection.ask(#"{"id":3,\#(request),"content":"\#(content.root)","size":99}"#)
      #expect(refusal["error"]?.string == "not-found")
      #expect(refusal["message"]?.string == "this is not shared here")
    }
  }

  @Test func `bytes follow their header`() async throws {
    try await with { connection, content, bytes in
      for (offset, length) in [(0, 100_000), (99_999, 1), (1, 70_000), (100_000, 0)] {
        let header = try connection.ask(
          #"{"id":4,"op":"get",\#(members(content)),"offset":\#(offset),"length":\#(length)}"#)
        #expect(header["offset"]?.integer == Int64(offset))
        #expect(header["length"]?.integer == Int64(length))
        #expect(try connection.bytes(length) == Array(bytes[offset..<offset + length]))
      }
    }
  }

  /// A client may send a single request and close its side.
  @Test(arguments: [#""op":"get","offset":0,"length":1000"#, #""op":"have""#, #""op":"get","offset":0,"length":999"#])
  func `half-closed connection is answered`(_ request: String) async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let bytes = pattern(1_000)
      let document = try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      let connection = try RawConnection(to: alice.uploads.address)
      try connection.send(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(Swarm.id("bob"))","name":"bob"}"#)
      try connection.send(#"{"id":2,\#(request),\#(members(document.content))}"#)
      connection.finishSending()
      #expect(try connection.reply()["id"]?.integer == 1)
      let reply = try connection.reply()
      #expect(reply["status"]?.integer == 200)
      let length = Int(reply["length"]?.integer ?? 0)
      #expect(try connection.bytes(length) == Array(bytes.prefix(length)))
      #expect(try connection.line() == nil)
    }
  }

  /// Short documents are answered together; everything else keeps its place among them.
  @Test(arguments: [RequestStream.open, .halfClosed, .tooLong])
  func `answers come in the order of the requests`(_ stream: RequestStream) async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      var documents = [(members: String, bytes: [UInt8])]()
      for number in 0..<100 {
        let bytes = pattern(number % 7 == 0 ? 0 : 1_000 + number)
        let path = try swarm.directory.write("source\(number)", bytes)
        documents.append((members(try await alice.share(path, as: "file/\(number)").content), bytes))
      }
      let large = pattern(300_000)
      let whole = members(try await alice.share(swarm.directory.write("large", large), as: "file/large").content)
      let connection = try RawConnection(to: alice.uploads.address)
      var lines = [#"{"id":1,"op":"hello","protocol":1,"peer":"\#(Swarm.id("bob"))","name":"bob"}"#]
      var expected: [(id: Int64?, status: Int64, bytes: [UInt8])] = [(1, 200, [])]
      for (number, document) in documents.enumerated() {
        let id = Int64(number * 10 + 10)
        lines.append(
          #"{"id":\#(id),"op":"get",\#(document.members),"offset":0,"length":\#(document.bytes.count)}"#)
        expected.append((id, 200, document.bytes))
        switch number % 13 {
        case 1:
          lines.append("no JSON")
          expected.append((nil, 400, []))
        case 2:
          let length = min(1, document.bytes.count)
          lines.append(#"{"id":\#(id + 1),"op":"get",\#(document.members),"offset":0,"length":\#(length)}"#)
          expected.append((id + 1, 200, Array(document.bytes.prefix(1))))
        case 3:
          lines.append(#"{"id":\#(id + 1),"op":"get",\#(whole),"offset":0,"length":300000}"#)
          expected.append((id + 1, 200, large))
        case 4:
          lines.append(#"{"id":\#(id + 1),"op":"have",\#(whole)}"#)
          expected.append((id + 1, 200, []))
        case 5:
          lines.append(
            #"{"id":\#(id + 1),"op":"get","content":"\#(String(repeating: "ab", count: 32))","size":5,"offset":0,"length":5}"#
          )
          expected.append((id + 1, 404, []))
        case 6:
          lines.append(#"{"id":\#(id + 1),"op":"hello","protocol":1,"peer":"\#(Swarm.id("bob"))","name":"bob"}"#)
          expected.append((id + 1, 200, []))
        case 7:
          lines.append(#"{"id":\#(id + 1),"op":"nothing"}"#)
          expected.append((id + 1, 501, []))
        default: break
        }
      }
      if stream == .tooLong {
        lines.append(String(repeating: "x", count: 70_000))
        expected.append((nil, 413, []))
      }
      // All of it fits into the buffers of the sockets.
      connection.sendWithoutWaiting(Array((lines.joined(separator: "\n") + "\n").utf8))
      if stream == .halfClosed { connection.finishSending() }
      for (id, status, bytes) in expected {
        let reply = try connection.reply()
        #expect(reply["id"]?.integer == id)
        #expect(reply["status"]?.integer == status, "\(reply)")
        if !bytes.isEmpty { #expect(try connection.bytes(bytes.count) == bytes) }
      }
      if stream != .open { #expect(try connection.line() == nil) }
    }
  }

  enum RequestStream { case open, halfClosed, tooLong }

  @Test func `upload is listed with its key until everything was sent`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let document = try await alice.share(swarm.directory.write("source", pattern(100_000)), as: "file/x")
      let connection = try RawConnection(to: alice.uploads.address)
      _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(Swarm.id("bob"))","name":"bob"}"#)
      // Twice the same content on one connection: two transfers, none above its size.
      for _ in 0..<2 {
        for (offset, length) in [(0, 60_000), (60_000, 40_000)] {
          _ = try connection.ask(
            #"{"id":4,"op":"get",\#(members(document.content)),"offset":\#(offset),"length":\#(length)}"#)
          _ = try connection.bytes(length)
          let rows = alice.transfers.snapshot()
          #expect(rows.allSatisfy { $0.received <= 100_000 && $0.key?.text == "file/x" })
          #expect(rows.allSatisfy { $0.sources.map(\.name) == ["bob"] && $0.sources.map(\.id) == [Swarm.id("bob")] })
        }
        #expect(await eventually(within: .seconds(10)) { alice.transfers.snapshot().isEmpty })
      }
    }
  }

  @Test func `hashes come with their proof`() async throws {
    try await with { connection, content, _ in
      for (layer, index, length) in [(0, 0, 8), (0, 4, 2), (1, 3, 1), (3, 0, 1)] {
        let range = try #require(HashRange(layer: layer, index: Int64(index), length: length, of: content))
        let header = try connection.ask(
          #"{"id":5,"op":"hashes",\#(members(content)),"layer":\#(layer),"index":\#(index),"length":\#(length)}"#)
        #expect(header["hashes"]?.integer == Int64(range.hashCount))
        #expect(range.verify(try connection.bytes(range.byteCount), against: content))
      }
    }
  }

  @Test(arguments: [
    (#""op":"get","offset":99999,"length":2"#, "invalid-range"),
    (#""op":"get","offset":9007199254740991,"length":9"#, "invalid-range"),
    (#""op":"get","offset":0,"length":4194305"#, "too-large"),
    (#""op":"get","offset":-1,"length":1"#, "bad-request"), (#""op":"get","offset":0"#, "bad-request"),
    (#""op":"hashes","layer":0,"index":8,"length":8"#, "invalid-range"),
    (#""op":"hashes","layer":9,"index":0,"length":1"#, "invalid-range"),
    (#""op":"hashes","layer":0,"index":0,"length":3"#, "bad-request"), (#""op":"add""#, "unknown-operation"),
  ])
  func refusesAndGoesOn(_ request: String, _ code: String) async throws {
    try await with { connection, content, _ in
      let refusal = try connection.ask(#"{"id":7,\#(request),\#(members(content))}"#)
      #expect(refusal["error"]?.string == code)
      #expect(refusal["id"]?.integer == 7)
      #expect(try connection.ask(#"{"id":8,"op":"have",\#(members(content))}"#)["status"]?.integer == 200)
    }
  }

  @Test func `refusal names the limit`() async throws {
    try await with { connection, content, _ in
      let refusal = try connection.ask(#"{"id":7,"op":"get",\#(members(content)),"offset":0,"length":5000000}"#)
      #expect(refusal["limit"]?.string == "get")
      #expect(refusal["value"]?.integer == 4_194_304)
    }
  }

  @Test(arguments: [
    [UInt8]("nonsense".utf8), Array(#"{"id":1"#.utf8), Array(#"{"id":1,"id":2}"#.utf8), [0x7B, 0x00, 0x7D],
    Array(#"{"id":1,"op":""#.utf8) + [0xFF, 0x22, 0x7D], Array(#"{"id":9007199254740992,"op":"have"}"#.utf8),
    Array((String(repeating: #"{"a":"#, count: 40) + "1" + String(repeating: "}", count: 40)).utf8),
  ])
  func `hostile line is answered and the connection continues`(_ line: [UInt8]) async throws {
    try await with { connection, content, _ in
      try connection.send(line + [0x0A])
      #expect(try connection.reply()["error"]?.string == "bad-request")
      #expect(try connection.ask(#"{"id":8,"op":"have",\#(members(content))}"#)["status"]?.integer == 200)
    }
  }

  @Test func `endless line is answered and ends the connection`() async throws {
    try await with { connection, _, _ in
      try connection.send([UInt8](repeating: 0x20, count: 70_000))
      let refusal = try connection.reply()
      #expect(refusal["error"]?.string == "too-large")
      #expect(refusal["limit"]?.string == "line")
      #expect(connection.isClosedByPeer())
    }
  }

  @Test func `hello must come first`() async throws {
    try await with(greeted: false) { connection, content, _ in
      let refusal = try connection.ask(#"{"id":2,"op":"have",\#(members(content))}"#)
      #expect(refusal["error"]?.string == "hello-required")
      #expect(refusal["message"]?.string == WireFailure.helloRequired.message)
      #expect(connection.isClosedByPeer())
    }
  }

  /// What the file is now takes a while to find out, so the other side must not give up.
  @Test(arguments: ["same size", "longer"]) func `edited large file is not available until it is hashed`(
    _ change: String
  ) async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let path = try swarm.directory.write("source", [])
      let size: Int64 = 65 << 20
      #expect(truncate(path, off_t(size)) == 0)
      let document = try await alice.share(path, as: "file/x")
      if change == "longer" { #expect(truncate(path, off_t(size + 1)) == 0) } else { #expect(utimes(path, nil) == 0) }
      let connection = try RawConnection(to: alice.uploads.address)
      _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(alice.id)","name":"bob"}"#)
      let reply = try connection.ask(#"{"id":2,"op":"have",\#(members(document.content))}"#)
      #expect(reply["error"]?.string == "unavailable")
      #expect(reply["retry_after"]?.integer == 1)
      #expect(truncate(path, 0) == 0)
      let small = try connection.ask(#"{"id":3,"op":"have",\#(members(document.content))}"#)
      #expect(small["error"]?.string == "changed")
    }
  }

  @Test(arguments: ["POST / HTTP/1.1\r", "{}", #"{"id":1,"op":"hello","protocol":1}"#, #"{"id":1,"op":"dance"}"#])
  func `invalid line before hello ends the connection`(_ line: String) async throws {
    try await with(greeted: false) { connection, content, _ in
      let hello = #"{"id":2,"op":"hello","protocol":1,"peer":"\#(content.root)","name":"bob"}"#
      try connection.send("\(line)\n\(hello)")
      #expect(try connection.reply()["status"]?.integer != 200)
      #expect(try connection.line() == nil)
    }
  }

  @Test func `pipelined requests are answered in order`() async throws {
    try await with { connection, content, bytes in
      let requests = (10..<210).map {
        #"{"id":\#($0),"op":"get",\#(members(content)),"offset":\#($0),"length":100}"# + "\n"
      }
      try connection.send(Array(requests.joined().utf8))
      for id in 10..<210 {
        #expect(try connection.reply()["id"]?.integer == Int64(id))
        #expect(try connection.bytes(100) == Array(bytes[id..<id + 100]))
      }
    }
  }

  @Test func `connection without hello is closed in time`() async throws {
    try await Swarm.with { swarm in
      var limits = PeerLimits()
      limits.hello = 1
      let alice = try await swarm.peer("alice", limits: limits)
      let connection = try RawConnection(to: alice.uploads.address)
      let refusal = try connection.reply()
      #expect(refusal["error"]?.string == "hello-required")
      #expect(refusal["limit"]?.string == "hello")
      #expect(try connection.line() == nil)
    }
  }

  @Test func `idle connection is closed`() async throws {
    try await Swarm.with { swarm in
      var limits = PeerLimits()
      limits.idle = 1
      let alice = try await swarm.peer("alice", limits: limits)
      let connection = try RawConnection(to: alice.uploads.address)
      let hello = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(alice.id)","name":"bob"}"#)
      #expect(hello["limits"]?["idle"]?.integer == 1)
      #expect(connection.isClosedByPeer())
    }
  }

  @Test func `request waits 2 s for a slot and the connection stays`() async throws {
    try await Swarm.with { swarm in
      var limits = PeerLimits()
      limits.slots = 1
      limits.get = 64 << 20
      let alice = try await swarm.peer("alice", limits: limits)
      let document = try await alice.share(
        swarm.directory.write("source", [UInt8](repeating: 0, count: limits.get)), as: "file/x")
      let connections = try (0..<2).map { _ in
        let connection = try RawConnection(to: alice.uploads.address)
        _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(alice.id)","name":"bob"}"#)
        return connection
      }
      let get = { (length: Int) in
        #"{"id":4,"op":"get",\#(self.members(document.content)),"offset":0,"length":\#(length)}"#
      }
      // More than fits into the buffers of the sockets.
      #expect(try connections[0].ask(get(limits.get))["status"]?.integer == 200)
      let start = ContinuousClock.now
      let refusal = try connections[1].ask(get(1))
      #expect(ContinuousClock.now - start >= .seconds(1.9))
      #expect(refusal["status"]?.integer == 503)
      #expect(refusal["limit"]?.string == "slots" && refusal["value"]?.integer == 1)
      #expect(refusal["retry_after"]?.integer == 2)
      #expect(try connections[1].ask(#"{"id":8,"op":"have",\#(members(document.content))}"#)["status"]?.integer == 200)
      _ = try connections[0].bytes(limits.get)
      #expect(try connections[1].ask(get(1))["status"]?.integer == 200)
      #expect(try connections[1].bytes(1) == [0])
    }
  }

  @Test func `closed connection gives its slot back`() async throws {
    try await Swarm.with { swarm in
      var limits = PeerLimits()
      limits.slots = 1
      limits.get = 64 << 20
      let alice = try await swarm.peer("alice", limits: limits)
      let document = try await alice.share(
        swarm.directory.write("source", [UInt8](repeating: 0, count: limits.get)), as: "file/x")
      for _ in 0..<3 {
        let connection = try RawConnection(to: alice.uploads.address)
        _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(alice.id)","name":"bob"}"#)
        let get = #"{"id":4,"op":"get",\#(members(document.content)),"offset":0,"length":\#(limits.get)}"#
        #expect(try connection.ask(get)["status"]?.integer == 200)
        connection.reset()
      }
    }
  }

  @Test func `connections over the limit are refused`() async throws {
    try await Swarm.with { swarm in
      var limits = PeerLimits()
      limits.connections = 1
      let alice = try await swarm.peer("alice", limits: limits)
      let bob = try await swarm.peer("bob")
      try await alice.share(swarm.directory.write("source", pattern(1000)), as: "file/x")
      let other = try RawConnection(to: alice.uploads.address)
      _ = try other.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(bob.id)","name":"other"}"#)
      let failure = await #expect(throws: WireFailure.self) {
        try await bob.get("file/x", to: swarm.directory.file("target"))
      }
      #expect(failure?.code == .noSource)
      #expect(failure?.message.contains("alice refuses: this peer has too many connections") == true)
    }
  }
}
