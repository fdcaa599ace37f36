// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import LineJSON
import NIOCore
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// An unfinished download whose pieces are proven as a test wants.
private final class ScriptedPartial: PartialContent {
  let content: Content
  let file: OpenFile
  private let tree: HashTree
  private let pieces: Mutex<PieceSet>

  init(_ file: HashedFile, at path: String, in catalogue: Catalogue) throws {
    content = file.content
    try catalogue.remember([file])
    tree = try #require(try catalogue.tree(of: file.content))
    self.file = try OpenFile.reading(path).file
    pieces = Mutex(PieceSet(count: Int(file.content.geometry.pieceCount)))
  }

  var proven: PieceSet { pieces.withLock { $0 } }

  func prove(_ piece: Int) {
    pieces.withLock { _ = $0.insert(piece) }
  }

  func hashes(_ range: HashRange) throws(StoreError) -> [UInt8]? {
    let piece = Int(range.index * PieceGeometry.blockLength / content.geometry.pieceLength)
    guard range.layer >= 9 || proven.contains(piece) else { return nil }
    return try tree.hashes(range)
  }
}

/// What a peer serves of a download that is not finished.
@Suite struct PartialHoldingsTests {
  /// A connection to a peer that downloads these bytes.
  private func with(
    _ bytes: [UInt8], _ body: (RawConnection, ScriptedPartial, Member) async throws -> Void
  ) async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let path = try swarm.directory.write("part", bytes)
      let file = try FileHasher(layers: alice.catalogue.layers).hash(path)
      let partial = try ScriptedPartial(file, at: path, in: alice.catalogue)
      alice.partials.offer(partial, as: try DocumentKey("file/x"), in: .open)
      let connection = try RawConnection(to: alice.uploads.address)
      _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(alice.id)","name":"bob"}"#)
      try await body(connection, partial, alice)
    }
  }

  private func members(_ content: Content) -> String {
    #""content":"\#(content.root)","size":\#(content.size)"#
  }

  private func have(_ connection: RawConnection, _ content: Content) throws -> HaveReply {
    try HaveReply(try connection.ask(#"{"id":2,"op":"have",\#(members(content))}"#))
  }

  /// The pieces of events until these are reported.
  private func events(_ connection: RawConnection, until last: Int) throws -> PieceSet {
    var pieces = PieceSet(count: 4)
    while !pieces.contains(last) {
      for range in try #require(try HaveEvent(try connection.reply()).pieces) { pieces.insert(range) }
    }
    return pieces
  }

  @Test func `proven pieces of a download are served`() async throws {
    let bytes = pattern(1_000_000)
    try await with(bytes) { connection, partial, alice in
      let content = partial.content
      #expect(try have(connection, content).pieces?.isEmpty == true)
      partial.prove(0)
      partial.prove(3)
      #expect(try have(connection, content).pieces?.ranges == [0..<1, 3..<4])
      // A long body, a short one, the end of the content; then parts that are missing.
      for (offset, length) in [(0, 262_144), (5, 100), (786_432, 213_568)] {
        let header = try connection.ask(
          #"{"id":4,"op":"get",\#(members(content)),"offset":\#(offset),"length":\#(length)}"#)
        #expect(header["length"]?.integer == Int64(length))
        #expect(try connection.bytes(length) == Array(bytes[offset..<offset + length]))
      }
      for (offset, length) in [(262_144, 1), (262_143, 2), (0, 1_000_000), (700_000, 200_000)] {
        let refusal = try connection.ask(
          #"{"id":4,"op":"get",\#(members(content)),"offset":\#(offset),"length":\#(length)}"#)
        #expect(refusal["error"]?.string == "not-found", "\(offset)")
      }
      #expect(alice.transfers.snapshot().allSatisfy { $0.key?.text == "file/x" }, "a refused request is no transfer")
    }
  }

  @Test func `hashes of a download are served as far as they are known`() async throws {
    try await with(pattern(1_000_000)) { connection, partial, _ in
      let content = partial.content
      partial.prove(1)
      let range = try #require(HashRange(layer: 0, index: 16, length: 16, of: content))
      let ask = { (index: Int) in
        try connection.ask(#"{"id":5,"op":"hashes",\#(self.members(content)),"layer":0,"index":\#(index),"length":16}"#)
      }
      #expect(try ask(16)["hashes"]?.integer == Int64(range.hashCount))
      #expect(range.verify(try connection.bytes(range.byteCount), against: content))
      #expect(try ask(0)["error"]?.string == "not-found")
      #expect(try ask(64)["error"]?.string == "invalid-range")
    }
  }

  @Test func `new pieces are reported until the content is complete`() async throws {
    try await with(pattern(1_000_000)) { connection, partial, alice in
      let content = partial.content
      for piece in 0..<4 {
        if piece == 1 { #expect(try have(connection, content).pieces?.ranges == [0..<1]) }
        partial.prove(piece)
        alice.partials.gained(content, piece: piece)
      }
      let reported = try events(connection, until: 3)
      #expect(reported.ranges == [1..<4], "what was known before is not reported")
      alice.partials.withdraw(content, isComplete: true)
      #expect(try HaveEvent(try connection.reply()) == HaveEvent(content, pieces: nil))
      let refusal = try connection.ask(#"{"id":2,"op":"have",\#(members(content))}"#)
      #expect(refusal["error"]?.string == "not-found")
    }
  }

  /// Anything else would be taken for bytes of the body.
  @Test func `event waits for the end of a body`() async throws {
    let bytes = [UInt8](repeating: 7, count: 32 << 20)
    try await with(bytes) { connection, partial, alice in
      let content = partial.content
      for piece in 0..<127 { partial.prove(piece) }
      #expect(try have(connection, content).pieces?.population == 127)
      let count = 7
      for _ in 0..<count {
        try connection.send(#"{"id":3,"op":"get",\#(members(content)),"offset":0,"length":4194304}"#)
      }
      partial.prove(127)
      alice.partials.gained(content, piece: 127)
      var (bodies, events) = (0, 0)
      while bodies < count || events < 1 {
        let line = try connection.reply()
        if let pieces = try? HaveEvent(line).pieces {
          #expect(pieces == [127..<128])
          events += 1
        } else {
          #expect(line["length"]?.integer == 4_194_304)
          #expect(try connection.bytes(4_194_304).allSatisfy { $0 == 7 })
          bodies += 1
        }
      }
      #expect(events == 1)
    }
  }

  @Test func `download that was given up is not found`() async throws {
    try await with(pattern(1_000_000)) { connection, partial, alice in
      partial.prove(0)
      let get = #"{"id":4,"op":"get",\#(members(partial.content)),"offset":0,"length":9}"#
      #expect(try connection.ask(get)["status"]?.integer == 200)
      _ = try connection.bytes(9)
      alice.partials.withdraw(partial.content, isComplete: false)
      #expect(try connection.ask(get)["error"]?.string == "not-found")
    }
  }

  @Test func `shared content is served although it is also downloaded`() async throws {
    try await with(pattern(1_000_000)) { connection, partial, alice in
      try await alice.share(partial.file.path, as: "file/x")
      #expect(try have(connection, partial.content).complete)
    }
  }

  @Test func `partial holding has only whole proven pieces`() async throws {
    try await with(pattern(1_000_000)) { _, partial, _ in
      let holding = PartialHolding(key: try DocumentKey("file/x"), home: .open, partial: partial)
      partial.prove(1)
      partial.prove(2)
      for (offset, length) in [(262_144, 1), (262_144, 524_288), (786_431, 1)] as [(Int64, Int64)] {
        #expect(holding.has(offset, length))
      }
      for (offset, length) in [(262_143, 2), (786_431, 2), (0, 0), (-1, 9), (262_144, .max)] as [(Int64, Int64)] {
        #expect(!holding.has(offset, length))
      }
    }
  }
}

@Suite struct HaveReportsTests {
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

  @Test func `first piece is reported at once, the next 200 ms later`() {
    var reports = HaveReports(count: 10)
    #expect(reports.gained(3, at: start) == start)
    #expect(reports.gained(4, at: start) == nil, "scheduled already")
    #expect(reports.take(at: start) == [3..<5])
    #expect(reports.gained(9, at: start + .milliseconds(50)) == start + .milliseconds(200))
    #expect(reports.gained(0, at: start + .milliseconds(60)) == nil)
    #expect(reports.take(at: start + .milliseconds(200)) == [0..<1, 9..<10])
    #expect(reports.gained(5, at: start + .milliseconds(900)) == start + .milliseconds(900))
  }

  @Test func `piece beyond the content is ignored`() {
    var reports = HaveReports(count: 10)
    #expect(reports.gained(10, at: start) == nil)
    #expect(reports.gained(-1, at: start) == nil)
    #expect(reports.take(at: start).isEmpty)
  }
}
