// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import TestSupport
import Testing
import WireProtocol

/// Who answers while a child is away: nobody's connection is refused, and none waits in vain.
@Suite(.serialized) struct OutageTests {
  /// The answers at every socket of the index and of a peer.
  private func answers(_ fixture: SupervisorFixture, peer: String) throws -> [JSONValue] {
    [
      try RawConnection(to: Endpoint(fixture.status("index").address)).reply(),
      try RawConnection(to: Endpoint(fixture.status(peer).address)).reply(),
      try fixture.answerer(atSocketOf: peer),
    ]
  }

  @Test func parkedChildrenAreAnsweredForOnAllTheirSockets() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start(
      "--serve-index", "127.0.0.1:0", "--peer", "crash", environment: ["P2P_TEST_INDEX": "crash"])
    for name in ["index", "crash"] { _ = try await fixture.awaitStatus(name) { $0.state == "parked" } }
    for answer in try answers(fixture, peer: "crash") {
      #expect(answer["id"] == .null && answer["status"] == 503 && answer["error"] == "unavailable")
      #expect(answer["message"]?.string?.contains("is given up: it is made to crash") == true)
      #expect(answer["retry_after"]?.integer == 30)
    }
    // Another one is answered the same way, however many there were.
    for _ in 0..<100 { #expect(try fixture.answerer(atSocketOf: "crash")["status"] == 503) }
  }

  @Test func childrenThatBackOffForLongAreAnsweredForOnAllTheirSockets() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start(
      "--serve-index", "127.0.0.1:0", "--peer", "flap", environment: ["P2P_TEST_INDEX": "flap"])
    // Back-offs grow to 5 s; the first of more than one second comes after about as much. One answered by a child that was
    // just tried again has a process number instead.
    for position in 0..<3 {
      var answer = JSONValue.null
      let isAnswered = await eventually(within: .seconds(60)) {
        answer = (try? answers(fixture, peer: "flap")[position]) ?? .null
        return answer["status"] == 503
      }
      #expect(isAnswered)
      #expect(answer["message"]?.string?.contains("is down and will be tried again: it exited with status 4") == true)
      #expect((1...6).contains(answer["retry_after"]?.integer ?? 0))
    }
  }

  /// What the caller has sent is read, lest its answer is lost to a reset: tcp(7).
  @Test func anAnswerIsNotLostToWhatTheCallerSends() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "crash")
    let row = try await fixture.awaitStatus("crash") { $0.state == "parked" }
    let connection = try RawConnection(to: Endpoint(row.address))
    for _ in 0..<100 { try? connection.send(String(repeating: "x", count: 500)) }
    #expect(try connection.reply()["status"] == 503)
    #expect(connection.isClosedByPeer())
  }
}
