// SPDX-License-Identifier: Apache-2.0

import PeerDaemon
import TestSupport
import Testing
import WireProtocol

@Suite struct RatePatienceTests {
  private func pauses(_ seconds: [Int?], _ code: ErrorCode = .tooMany) -> [Int?] {
    var patience = RatePatience()
    return seconds.map { patience.pause(after: WireFailure(code, "", retryAfter: $0)) }
  }

  @Test func `a request waits as long as the index asks, a minute in all`() {
    #expect(pauses([20, 30, 11, 10, 1]) == [20, 30, nil, 10, nil])
    #expect(pauses([RatePatience.most + 1, 1]) == [nil, 1])
  }

  @Test func `other failures are not waited for`() {
    #expect(pauses([nil, 0]) == [nil, nil])
    #expect(pauses([1], .unavailable) == [nil])
  }

  @Test func `the look-up before a download of a prefix waits as long as the index asks`() async throws {
    try await DaemonFixture.with { fixture in
      try await ScriptedIndex.with { index in
        try await fixture.withPeer(index: index.endpoint) { alice in
          let request = GetDocuments(.prefix("data/t/"), directory: fixture.directory.file("out"))
          let failure = try await alice.ask(.getAll(request)).failure
          #expect(failure?.code == .notFound && index.lists == 2)
        }
      }
    }
  }
}
