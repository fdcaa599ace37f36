// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import IndexServer
import LineJSON
import NIOCore
import TestSupport
import Testing
import WireProtocol

/// Records live exactly as long as the session that added them.
@Suite struct LivenessTests {
  private func holder(_ service: IndexService) throws -> EmbeddedConnection {
    let connection = try EmbeddedConnection(service)
    try connection.send(Wire.hello())
    try connection.send(Wire.add(Wire.document("rfc/1")))
    return connection
  }

  @Test func `silent session is dropped with its records`() throws {
    let service = IndexService()
    let connection = try holder(service)
    connection.pass(.milliseconds(9_999))
    #expect(service.statistics.records == 1)
    // Silence is looked for once a second.
    connection.pass(.milliseconds(1_001))
    #expect(service.statistics.records == 0)
    #expect(!connection.isOpen)
  }

  @Test func `session that sends something is kept`() throws {
    let service = IndexService()
    let connection = try holder(service)
    for _ in 0..<10 {
      connection.pass(.seconds(9))
      try connection.send(#"{"id":3,"op":"ping"}"#)
    }
    #expect(service.statistics.records == 1)
    connection.pass(.seconds(11))
    #expect(service.statistics.records == 0)
  }

  @Test func `every byte is a sign of life`() throws {
    let service = IndexService()
    let connection = try holder(service)
    for _ in 0..<3 {
      connection.pass(.seconds(9))
      _ = try connection.send(raw: " ")
    }
    #expect(service.statistics.records == 1)
  }

  @Test func `silent session without records is kept`() throws {
    let service = IndexService()
    let connection = try holder(service)
    try connection.send(Wire.remove("rfc/1"))
    connection.pass(.minutes(5))
    #expect(try connection.ask(Wire.add(Wire.document("rfc/1"))).outcome == "200")
    connection.pass(.seconds(11))
    #expect(!connection.isOpen)
  }

  @Test func `idle time comes from the limits`() throws {
    var limits = IndexLimits()
    limits.idle = 3
    let service = IndexService(limits: limits)
    let connection = try holder(service)
    connection.pass(.seconds(4))
    #expect(service.statistics.records == 0)
  }

  // MARK: On real sockets

  @Test func `holder that closes is forgotten`() async throws {
    try await ServedIndex.with { index in
      var holder: RawConnection? = try index.session()
      #expect(try holder?.ask(Wire.add(Wire.document("rfc/1"))).outcome == "200")
      #expect(index.service.statistics.records == 1)
      holder = nil
      #expect(await index.comesToHave(records: 0))
    }
  }

  @Test func `holder that crashes is forgotten`() async throws {
    try await ServedIndex.with { index in
      let holder = try index.session()
      _ = try holder.ask(Wire.add(Wire.document("rfc/1")))
      holder.reset()
      #expect(await index.comesToHave(records: 0))
    }
  }

  @Test func `holder that half-closes is forgotten`() async throws {
    try await ServedIndex.with { index in
      let holder = try index.session()
      try holder.send(Wire.add(Wire.document("rfc/1")))
      try holder.send(#"{"id":3,"op":"ping"}"#)
      holder.finishSending()
      #expect(try holder.reply()["added"] == 1)
      #expect(try holder.reply().outcome == "200")
      #expect(holder.isClosedByPeer())
      #expect(await index.comesToHave(records: 0))
    }
  }

  @Test func `holder that falls silent is forgotten`() async throws {
    var limits = IndexLimits()
    limits.idle = 1
    try await ServedIndex.with(limits: limits) { index in
      let holder = try index.session()
      _ = try holder.ask(Wire.add(Wire.document("rfc/1")))
      let asker = try index.session(peer: Wire.bob, name: "bob")
      #expect(holder.isClosedByPeer())
      #expect(await index.comesToHave(records: 0))
      #expect(try asker.ask(#"{"id":9,"op":"ping"}"#).outcome == "200")
    }
  }

  @Test func `all sessions are forgotten at the stop`() async throws {
    var kept: (RawConnection, IndexService)?
    try await ServedIndex.with { index in
      let holder = try index.session()
      _ = try holder.ask(Wire.add(Wire.document("rfc/1")))
      kept = (holder, index.service)
    }
    let (holder, service) = try #require(kept)
    #expect(holder.isClosedByPeer())
    #expect(service.statistics.sessions == 0)
  }
}
