// SPDX-License-Identifier: Apache-2.0

import LoadGenerator
import Testing

@Suite struct ReconnectDelayTests {
  @Test(arguments: [(0, 0), (1, 100), (2, 200), (5, 1_600), (6, 3_000), (1_000, 3_000)])
  func doublesUpToABound(failures: Int, milliseconds: Int) {
    #expect(ReconnectDelay.milliseconds(afterFailures: failures, random: 0) == milliseconds)
    #expect(ReconnectDelay.milliseconds(afterFailures: failures, random: 1) == milliseconds / 2)
  }
}
