// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import IndexServer
import LineJSON
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// Whatever clients ask for, others do not wait long. The bounds are generous: the tests share two processors with others,
/// in a build without optimisation.
@Suite(.serialized) struct FairnessTests {
  private static let bound = Duration.milliseconds(500)

  /// The longest wait of a client that asks now and then, while `busy` runs.
  private func longestWait(_ index: ServedIndex, _ asks: Int = 40, line: String) throws -> Duration {
    let honest = try index.session(peer: Wire.bob, name: "bob", port: nil)
    return try longestWait(asks) { _ = try honest.ask(line) }
  }

  private func longestWait(_ times: Int, _ ask: () throws -> Void) throws -> Duration {
    let clock = ContinuousClock()
    return try (0..<times).reduce(.zero) { longest, _ in max(longest, try clock.measure(ask)) }
  }

  /// A holder of many contents under one key.
  private func crowd(_ index: ServedIndex, _ contents: Int) throws -> RawConnection {
    let holder = try index.session()
    for start in stride(from: 0, to: contents, by: 1000) {
      let documents = (start..<start + 1000).map { Wire.document("file/crowd", "word\($0) title", content: $0) }
      _ = try holder.ask(Wire.add(documents))
    }
    return holder
  }

  @Test(
    arguments: [
      #"{"id":3,"op":"ping"}"#, Wire.lookup("file/crowd"),
      #"{"id":3,"op":"lookup","key":"file/crowd","peer":"\#(Wire.alice)"}"#,
      #"{"id":3,"op":"list","words":"tit","limit":1000}"#, #"{"id":3,"op":"peers","limit":1000}"#,
      Wire.add((0..<200).map { Wire.document("file/more\($0)", "aaa\($0) bbb ccc ddd eee", content: $0) }),
      Wire.add(Wire.document("file/same", "aaa bbb ccc ddd eee")), #"{"id":3,"op":"watch"}"#,
    ])
  func `pipelined requests of four connections do not delay another`(line: String) async throws {
    try await ServedIndex.with { index in
      let holder = try crowd(index, 5000)
      let lines = Array(String(repeating: line + "\n", count: line.utf8.count > 1000 ? 20 : 400).utf8)
      let busy = try (0..<4).map { _ in try index.session() }
      // Nobody reads the answers: what fits the buffers keeps the index busy for a while.
      for connection in busy { try connection.send(lines) }
      #expect(try longestWait(index, line: #"{"id":4,"op":"ping"}"#) < Self.bound)
      #expect(try longestWait(index, 10, line: Wire.lookup("file/none")) < Self.bound)
      _ = holder
    }
  }

  @Test func `closing a session of many records delays nobody`() async throws {
    try await ServedIndex.with { index in
      let holder = try crowd(index, 20_000)
      holder.reset()
      #expect(try longestWait(index, line: Wire.lookup("file/crowd")) < Self.bound)
      #expect(await eventually { index.service.isClear })
      #expect(index.service.statistics.documents == 0)
    }
  }

  @Test func `change that many watch delays nobody`() async throws {
    try await ServedIndex.with { index in
      let watchers = try (0..<20).map { _ in try index.session(peer: Wire.bob, name: "bob", port: nil) }
      let watches = Array(String(repeating: #"{"id":3,"op":"watch"}"# + "\n", count: 60).utf8)
      for watcher in watchers { try watcher.send(watches) }
      #expect(await eventually { index.service.watchCount == 1200 })
      let holder = try index.session()
      let documents = (0..<100).map { Wire.document("file/a\($0)", content: $0) }
      try holder.send(Wire.add(documents))
      #expect(try longestWait(index, line: #"{"id":4,"op":"ping"}"#) < Self.bound)
      #expect(try holder.reply()["added"] == 100)
      holder.reset()
      #expect(try longestWait(index, line: #"{"id":4,"op":"ping"}"#) < Self.bound)
      #expect(await eventually { index.service.isClear })
    }
  }

  @Test func `clients that do not read delay nobody`() async throws {
    try await ServedIndex.with { index in
      let holder = try crowd(index, 2000)
      let deaf = try (0..<60).map { _ in try index.session(peer: Wire.bob, name: "bob", port: nil) }
      let lines = Array(String(repeating: #"{"id":3,"op":"list","limit":1000}"# + "\n", count: 30).utf8)
      for connection in deaf { try connection.send(lines) }
      #expect(try longestWait(index, line: #"{"id":4,"op":"ping"}"#) < Self.bound)
      _ = holder
    }
  }

  @Test func `lines that do not end delay nobody, and leave room for those that do`() async throws {
    var limits = IndexLimits()
    limits.memory = 128 << 20
    try await ServedIndex.with(limits: limits) { index in
      let line = Array((#"{"id":3,"op":"ping","padding":""# + String(repeating: "x", count: 1_000_000)).utf8)
      let slow = try (0..<40).map { _ in try index.connect() }
      for connection in slow { connection.sendWithoutWaiting(Array((Wire.hello() + "\n").utf8) + line) }
      #expect(try longestWait(index, line: #"{"id":4,"op":"ping"}"#) < Self.bound)
      let holder = try index.session()
      let title = String(repeating: "t", count: 500)
      for round in 0..<3 {
        let documents = (0..<900).map { Wire.document("file/\(round)/\($0)", title, content: $0) }
        #expect(try holder.ask(Wire.add(documents))["added"] == 900)
      }
      _ = slow
    }
  }

  @Test func `silent connections beyond the limit keep no new client out`() async throws {
    var limits = IndexLimits()
    limits.connections = 100
    try await ServedIndex.with(limits: limits) { index in
      var silent = try (0..<150).map { _ in try index.connect() }
      let wait = try longestWait(40) {
        let client = try index.session(peer: Wire.bob, name: "bob", port: nil)
        #expect(try client.ask(#"{"id":4,"op":"ping"}"#).outcome == "200")
        silent.append(try index.connect())
      }
      #expect(wait < Self.bound)
    }
  }
}
