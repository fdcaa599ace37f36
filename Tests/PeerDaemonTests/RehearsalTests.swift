// SPDX-License-Identifier: Apache-2.0

import LineJSON
import PeerDaemon
import Testing

@Suite struct RehearsalTests {
  /// Twice: as a new peer and as one that finds its state. What nobody shares is not found.
  @Test func everythingThatIsAskedIsAnswered() throws {
    let answers = try PeerRehearsal.run().map { try Jansson.decode(Array($0.utf8)) }
    #expect(answers.compactMap { $0["status"]?.integer } == [200, 200, 200, 404, 200, 200, 200, 404])
  }
}
