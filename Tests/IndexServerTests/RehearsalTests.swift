// SPDX-License-Identifier: Apache-2.0

import IndexServer
import LineJSON
import Testing

@Suite struct RehearsalTests {
  /// What is refused at once is no rehearsal.
  @Test func everythingThatIsAskedIsAnswered() throws {
    let answers = try IndexRehearsal.run().map { try Jansson.decode(Array($0.utf8)) }
    #expect(answers.compactMap { $0["status"]?.integer } == [200, 200, 200, 200, 200])
    #expect(answers.dropFirst(2).first?["contents"]?.array?.first?["total"]?.integer == 1)
  }
}
