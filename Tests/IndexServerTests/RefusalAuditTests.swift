// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import IndexServer
import NetworkMembership
import TestSupport
import Testing
import WireProtocol

@Suite struct RefusalAuditTests {
  private func refusal(_ number: Int, _ reason: String = "no member") -> RefusalAudit.Refusal {
    .init(peer: nil, host: "192.0.2.\(number)", reason: reason)
  }

  private func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000 + seconds) }

  @Test func `the first is written at once, the others after a minute together`() {
    var audit = RefusalAudit()
    #expect(audit.note(refusal(1), at: time(0)).map(\.count) == [nil])
    for second in 1..<60 { #expect(audit.note(refusal(1), at: time(Int64(second))).isEmpty) }
    let later = audit.note(refusal(1), at: time(60))
    #expect(later.map(\.count) == [59, nil])
    #expect(later.allSatisfy { $0.host == "192.0.2.1" && $0.event == .refused })
  }

  @Test func `a clock that is set back does not silence it`() {
    var audit = RefusalAudit()
    _ = audit.note(refusal(1), at: time(1000))
    #expect(audit.note(refusal(1), at: time(-100_000)).count == 1)
  }

  @Test func `counts have the time of the last refusal, and are read without being written`() {
    var audit = RefusalAudit()
    for (number, second) in [(1, 0), (2, 1), (2, 5), (1, 7)] as [(Int, Int64)] {
      _ = audit.note(refusal(number), at: time(second))
    }
    #expect(audit.pending.map(\.time) == [time(5), time(7)])
    #expect(audit.pending == audit.flush() && audit.pending.isEmpty)
  }

  @Test func `flushed counts are written once`() {
    var audit = RefusalAudit()
    for _ in 0..<5 { _ = audit.note(refusal(1), at: time(0)) }
    #expect(audit.flush().map(\.count) == [4])
    #expect(audit.flush().isEmpty)
    #expect(audit.note(refusal(1), at: time(1)).isEmpty, "its minute is not over")
  }

  /// A flood from many addresses for an hour.
  @Test func `the number of entries is bounded, whatever comes`() {
    var audit = RefusalAudit()
    var random = SeededGenerator(seed: 5)
    var entries: [AuditEntry] = []
    for step in 0..<360_000 {
      let second = Int64(step / 100)
      entries += audit.note(
        refusal(Int.random(in: 0..<100_000, using: &random), random.pick(["no member", "banned"])), at: time(second))
    }
    entries += audit.flush()
    #expect(entries.count <= 61 * 2 * (RefusalAudit.maxKinds + 2))
    #expect(entries.reduce(0) { $0 + ($1.count ?? 1) } == 360_000, "none is lost")
  }

  @Test func `what could not be written is counted on`() {
    var audit = RefusalAudit()
    for _ in 0..<5 { audit.putBack(audit.note(refusal(1), at: time(0))) }
    #expect(audit.flush().map(\.count) == [5])
    for _ in 0..<3 { _ = audit.note(refusal(1), at: time(1)) }
    audit.putBack(audit.flush())
    audit.putBack(audit.note(refusal(1), at: time(61)))
    #expect(audit.flush().reduce(0) { $0 + ($1.count ?? 1) } == 4)
  }

  @Test func `a flood on a full disk is counted in bounded memory`() {
    var audit = RefusalAudit()
    for step in 0..<100_000 { audit.putBack(audit.note(refusal(step), at: time(Int64(step / 100)))) }
    let entries = audit.flush()
    #expect(entries.count <= RefusalAudit.maxKinds + 1)
    #expect(entries.reduce(0) { $0 + ($1.count ?? 1) } == 100_000, "none is lost")
  }

  @Test func `refusals that are counted when the index stops are in its log`() async throws {
    let directory = try TemporaryDirectory()
    var network: PeerID?
    try await ClosedIndex.with(in: directory) { index in
      network = index.issuer.network
      let (stranger, _) = try index.session(1)
      for _ in 0..<7 { #expect(try stranger.ask(Wire.lookup("file/a")).outcome == "403 forbidden") }
    }
    let store = try NetworkStore(path: directory.file("network.sqlite"), of: try #require(network))
    let refused = try store.entries(limit: 100).entries.filter { $0.event == .refused }
    #expect(refused.map { $0.count ?? 1 } == [1, 6])
  }
}
