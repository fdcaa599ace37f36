// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import IndexServer
import LineJSON
import NIOCore
import TestSupport
import Testing
import WireProtocol

/// What one client, or one address, may have of the index.
@Suite struct BoundsTests {
  private static let remote = "192.0.2.7"

  private func session(_ limits: IndexLimits, from host: String = remote) throws -> EmbeddedConnection {
    let connection = try EmbeddedConnection(IndexService(limits: limits), from: host)
    try connection.send(Wire.hello())
    return connection
  }

  private func batch(_ documents: Int) -> String {
    Wire.add((0..<documents).map { Wire.document("file/\($0)", String(repeating: "word \($0) ", count: 40)) })
  }

  @Test func `batch beyond the memory of the index is refused as a whole`() throws {
    var limits = IndexLimits()
    limits.memory = 4 << 20
    limits.memoryPerAddress = nil
    let connection = try session(limits, from: "127.0.0.1")
    #expect(try connection.ask(batch(100)).outcome == "200")
    let refusal = try connection.ask(batch(1000))
    #expect(refusal.outcome == "429 too-many")
    #expect(refusal["limit"] == "memory" && refusal["value"] == .integer(4 << 20))
    #expect((refusal["retry_after"]?.integer ?? 0) > 0)
    #expect(try connection.ask(#"{"id":5,"op":"stats"}"#)["records"] == 100)
  }

  @Test func `memory of an address is limited except for this machine`() throws {
    var limits = IndexLimits()
    limits.memoryPerAddress = 1 << 20
    let refusal = try session(limits).ask(batch(1000))
    #expect(refusal.outcome == "429 too-many" && refusal["limit"] == "memory_per_address")
    #expect(try session(limits, from: "127.0.0.1").ask(batch(1000)).outcome == "200")
  }

  @Test func `records of an address are limited over all its sessions`() throws {
    var limits = IndexLimits()
    limits.recordsPerAddress = 3
    let service = IndexService(limits: limits)
    let sessions = try ["192.0.2.7", "192.0.2.7", "192.0.2.8"].map { try EmbeddedConnection(service, from: $0) }
    for session in sessions { try session.send(Wire.hello()) }
    let two = Wire.add([Wire.document("file/a"), Wire.document("file/b")])
    #expect(try sessions[0].ask(two).outcome == "200")
    #expect(try sessions[1].ask(two)["limit"] == "records_per_address")
    #expect(try sessions[2].ask(two).outcome == "200")
    try sessions[0].close()
    // Clearing takes a turn.
    sessions[0].pass(.milliseconds(1))
    #expect(try sessions[1].ask(two).outcome == "200")
  }

  @Test func `watches of an address are limited over all its sessions, and free again when they end`() throws {
    var limits = IndexLimits()
    limits.watchesPerAddress = 3
    let service = IndexService(limits: limits)
    let sessions = try ["192.0.2.7", "192.0.2.7", "192.0.2.8", "127.0.0.1"].map {
      try EmbeddedConnection(service, from: $0)
    }
    for session in sessions { try session.send(Wire.hello()) }
    let watch = #"{"id":9,"op":"watch","key":"rfc/1"}"#
    for _ in 0..<2 { #expect(try sessions[0].ask(watch).outcome == "200") }
    #expect(try sessions[1].ask(watch).outcome == "200")
    let refusal = try sessions[1].ask(watch)
    #expect(refusal.outcome == "429 too-many" && refusal["limit"] == "watches_per_address" && refusal["value"] == 3)
    #expect((refusal["retry_after"]?.integer ?? 0) > 0)
    #expect(try sessions[2].ask(watch).outcome == "200")
    for _ in 0..<5 { #expect(try sessions[3].ask(watch).outcome == "200") }
    #expect(try sessions[0].ask(#"{"id":9,"op":"unwatch","watch":1}"#).outcome == "200")
    #expect(try sessions[1].ask(watch).outcome == "200")
    #expect(try sessions[1].ask(watch).outcome == "429 too-many")
    try sessions[0].close()
    #expect(try sessions[1].ask(watch).outcome == "200")
    for session in sessions.dropFirst() { try session.close() }
    #expect(service.watchCount == 0)
  }

  @Test func `watches count for the memory of the index and of an address`() throws {
    var limits = IndexLimits()
    limits.memory = 4 << 20
    limits.memoryPerAddress = 1 << 20
    let watch = #"{"id":9,"op":"watch","content":"\#(Wire.root(1))","size":10}"#
    func refusal(from host: String, _ limits: IndexLimits) throws -> (count: Int, reply: JSONValue) {
      let service = IndexService(limits: limits)
      for count in 0..<2000 {
        let session = try EmbeddedConnection(service, from: host)
        try session.send(Wire.hello())
        let reply = try session.ask(watch)
        if reply.outcome != "200" { return (count, reply) }
        sessions.append(session)
      }
      return (2000, .null)
    }
    var sessions = [EmbeddedConnection]()
    let ofAddress = try refusal(from: Self.remote, limits)
    #expect(ofAddress.count == 256 && ofAddress.reply["limit"] == "memory_per_address")
    let ofAll = try refusal(from: "127.0.0.1", limits)
    #expect((256..<1024).contains(ofAll.count) && ofAll.reply["limit"] == "memory")
    withExtendedLifetime(sessions) {}
  }

  @Test func `connection that has to go is counted`() async throws {
    var limits = IndexLimits()
    limits.connections = 2
    try await ServedIndex.with(limits: limits) { served in
      let first = try served.connect()
      let session = try served.session()
      let third = try served.session(peer: Wire.bob, name: "bob", port: nil)
      #expect(first.isClosedByPeer())
      let refusals = try third.ask(#"{"id":5,"op":"stats"}"#).rows("refusals")
      #expect(refusals.contains { $0["limit"] == "connections" && $0["count"] == 1 })
      withExtendedLifetime(session) {}
    }
  }

  @Test func `requests of an address are limited in each second`() throws {
    var limits = IndexLimits()
    limits.requestsPerAddress = 5
    let connection = try session(limits)
    let ping = #"{"id":2,"op":"ping"}"#
    for _ in 0..<4 { #expect(try connection.ask(ping).outcome == "200") }
    let refusal = try connection.ask(ping)
    #expect(refusal.outcome == "429 too-many" && refusal["limit"] == "requests_per_address")
    #expect(refusal["retry_after"] == 1)
    connection.pass(.seconds(1))
    #expect(try connection.ask(ping).outcome == "200")
    let local = try session(limits, from: "127.0.0.1")
    for _ in 0..<20 { #expect(try local.ask(ping).outcome == "200") }
  }

  @Test func `refusals are counted by limit and by address`() throws {
    var limits = IndexLimits()
    limits.records = 1
    let connection = try session(limits)
    for _ in 0..<3 { _ = try connection.ask(batch(2)) }
    let stats = try connection.ask(#"{"id":5,"op":"stats"}"#)
    #expect(stats["refusals"] == [["limit": "records", "count": 3]])
    #expect(stats["refused"] == [["host": .string(Self.remote), "limit": "records", "count": 3]])
    #expect((stats["bytes"]?.integer ?? 0) > 0)
  }

  @Test func `log hears of the first refusal at once and of the others once a minute`() {
    var counts = RefusalCounts()
    let start = NIODeadline.uptimeNanoseconds(0)
    #expect(
      counts.note("records", of: "192.0.2.1", at: start) == "refused by the limit records, most recently 192.0.2.1")
    for second in 1..<60 { #expect(counts.note("records", of: nil, at: start + .seconds(Int64(second))) == nil) }
    #expect(counts.note("memory", of: nil, at: start + .seconds(59)) == "refused by the limit memory")
    let later = counts.note("records", of: "192.0.2.2", at: start + .seconds(60))
    #expect(later == "refused by the limit records, most recently 192.0.2.2 (60 since the last message)")
  }

  @Test func `table of refused addresses is bounded and keeps the worst`() {
    var counts = RefusalCounts()
    for number in 0..<10_000 {
      _ = counts.note("records", of: "192.0.2.\(number % 7 == 0 ? 0 : number)", at: .uptimeNanoseconds(0))
    }
    #expect(counts.byHost(1000).count == 64)
    #expect(counts.byHost(1).first?.host == "192.0.2.0")
    #expect(counts.byLimit.map(\.count) == [10_000])
  }

  @Test func `quantiles of delays are within a fifth of the truth`() {
    var histogram = DelayHistogram()
    #expect(histogram.quantile(0.5) == 0)
    for value in 1...1000 { histogram.note(microseconds: value * 10) }
    #expect((5_000...6_000).contains(histogram.quantile(0.5)))
    #expect((9_900...10_000).contains(histogram.quantile(0.99)))
    #expect(histogram.longest == 10_000)
  }

  @Test func `line that does not end is refused by its limit`() async throws {
    var limits = IndexLimits()
    limits.lineTime = 1
    try await ServedIndex.with(limits: limits) { index in
      let connection = try index.session()
      try connection.send(Array(#"{"id":2,"op":"ping""#.utf8))
      let refusal = try connection.reply()
      #expect(refusal.outcome == "400 bad-request" && refusal["limit"] == "line_time" && refusal["value"] == 1)
      #expect(connection.isClosedByPeer())
    }
  }
}
