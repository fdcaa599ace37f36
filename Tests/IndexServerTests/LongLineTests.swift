// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import IndexServer
import LineJSON
import TestSupport
import Testing
import WireProtocol

/// Long lines are decoded beside the event loop; clients see no difference.
@Suite struct LongLineTests {
  private let title = String(repeating: "t", count: 500)

  private func batch(_ documents: Int, id: Int = 2) -> String {
    Wire.add((0..<documents).map { Wire.document("data/\($0)", title, content: $0) }, id: id)
  }

  @Test func `long batch is added, and what follows is answered after it`() async throws {
    try await ServedIndex.with { served in
      let session = try served.session()
      try session.send(Array((batch(900) + "\n" + Wire.lookup("data/899") + "\n" + Wire.add([], id: 4) + "\n").utf8))
      let replies = try (0..<3).map { _ in try session.reply() }
      #expect(replies.map { $0["id"]?.integer } == [2, 3, 4])
      #expect(replies[0]["added"] == 900)
      #expect(replies[1].rows("contents").count == 1)
    }
  }

  @Test func `long line is refused as a short one is`() async throws {
    try await ServedIndex.with { served in
      let session = try served.session()
      let documents = (0..<50).map { Wire.document("data/\($0)", title) } + [Wire.document("rfc/02")]
      let refusal = try session.ask(Wire.add(documents, id: 7))
      #expect(refusal.outcome == "400 bad-request" && refusal["id"] == 7)
      let garbage = try session.ask("{" + String(repeating: "[", count: 100_000))
      #expect(garbage.outcome == "400 bad-request" && garbage["id"] == .null)
      #expect(try session.ask(batch(1001, id: 8))["limit"] == "batch")
      #expect(served.service.statistics.records == 0)
      #expect(try session.ask(batch(50, id: 9))["added"] == 50)
    }
  }

  @Test func `long line before hello is not decoded`() async throws {
    try await ServedIndex.with { served in
      let connection = try served.connect()
      #expect(try connection.ask(batch(100))["error"] == "hello-required")
      #expect(connection.isClosedByPeer())
    }
  }

  @Test func `connection that ends while its line is decoded leaves nothing`() async throws {
    try await ServedIndex.with { served in
      for _ in 0..<20 {
        let session = try served.session()
        try session.send(Array((batch(900) + "\n").utf8))
        session.reset()
      }
      #expect(await served.comesToHave(records: 0))
      #expect(try served.session().ask(#"{"id":5,"op":"ping"}"#).outcome == "200")
    }
  }
}
