// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import TestSupport
import Testing
import WireProtocol

/// While a child is down, connections are answered by the supervisor: none is refused, none waits without an answer.
@Suite(.serialized) struct OutageTests {
  /// The answers at every socket of the index and of a peer.
  private func answers(_ fixture: SupervisorFixture, peer: String) throws -> [JSONValue] {
    [
      try RawConnection(to: Endpoint(fixture.status("index").address)).reply(),
      try RawConnection(to: Endpoint(fixture.status(peer).address)).reply(),
      try fixture.answerer(atSocketOf: peer),
    ]
  }

  @Test func `sockets of parked children are answered`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start(
      "--serve-index", "127.0.0.1:0", "--peer", "other", environment: ["P2P_TEST_INDEX": "other"])
    for name in ["index", "other"] { _ = try await fixture.awaitStatus(name) { $0.state == "parked" } }
    for answer in try answers(fixture, peer: "other") {
      #expect(answer["id"] == .null && answer["status"] == 503 && answer["error"] == "unavailable")
      #expect(
        answer["message"]?.string?.contains("is parked after repeated failures: it speaks channel protocol 2") == true)
      #expect(answer["retry_after"]?.integer == 5)
    }
    // Many connections are answered the same way.
    for _ in 0..<100 { #expect(try fixture.answerer(atSocketOf: "other")["status"] == 503) }
  }

  @Test func `sockets of children in a long back-off are answered`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start(
      "--serve-index", "127.0.0.1:0", "--peer", "flap", environment: ["P2P_TEST_INDEX": "flap"])
    // Back-offs grow to 5 s; the first one longer than a second comes after about a second. An answer from a child that was
    // just restarted has a pid instead.
    for position in 0..<3 {
      var answer = JSONValue.null
      let isAnswered = await eventually(within: .seconds(60)) {
        answer = (try? answers(fixture, peer: "flap")[position]) ?? .null
        return answer["status"] == 503
      }
      #expect(isAnswered)
      #expect(answer["message"]?.string?.contains("is down and will be restarted: it exited with status 4") == true)
      #expect((1...6).contains(answer["retry_after"]?.integer ?? 0))
    }
  }

  /// Input is read, because unread input would reset the connection and lose the answer: tcp(7).
  @Test func `unread input does not lose the answer`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "other")
    let row = try await fixture.awaitStatus("other") { $0.state == "parked" }
    let connection = try RawConnection(to: Endpoint(row.address))
    for _ in 0..<100 { try? connection.send(String(repeating: "x", count: 500)) }
    #expect(try connection.reply()["status"] == 503)
    #expect(connection.isClosedByPeer())
  }
}
