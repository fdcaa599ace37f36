// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import PeerDaemon
import Testing

@Suite struct SourceFailuresTests {
  private func holder(_ name: String) throws -> Holder {
    Holder(peer: Swarm.id(name), name: try PeerName(name), host: "192.0.2.1", port: 1, complete: true)
  }

  @Test func `every liar is named, up to a bound`() throws {
    var failures = SourceFailures()
    for number in 1...4 { failures.note(try holder("silent\(number)"), .silent) }
    for number in 1...5 { failures.note(try holder("liar\(number)"), .wrongBytes("block \(number)")) }
    let text = failures.explanation
    for number in 1...5 { #expect(text.contains("liar\(number) sent wrong bytes: block \(number)")) }
    #expect(text.hasSuffix("; and 4 more"))
    for number in 6...40 { failures.note(try holder("liar\(number)"), .wrongBytes("block")) }
    #expect(failures.explanation.contains("liar6, liar7, ") && failures.explanation.contains("liar16 sent"))
    #expect(!failures.explanation.contains("liar17"))
    #expect(failures.explanation.hasSuffix("; and 28 more"))
  }

  @Test func `sources that failed in the same way are named together`() throws {
    var failures = SourceFailures()
    for name in ["bob", "eve", "bob"] { failures.note(try holder(name), .silent) }
    #expect(failures.explanation == "bob, eve does not answer")
  }

  @Test func `other failures are named beside a few liars`() throws {
    var failures = SourceFailures()
    failures.note(try holder("bob"), .silent)
    failures.note(try holder("eve"), .wrongBytes("block 3"))
    #expect(failures.explanation == "eve sent wrong bytes: block 3; bob does not answer")
  }
}
