// SPDX-License-Identifier: Apache-2.0

import LoadGenerator
import Testing

@Suite struct StatisticsTests {
  @Test func nothingHasNoStatistics() {
    #expect(Statistics([Double]()) == nil)
    #expect(Statistics([Double.nan]) == nil)
  }

  @Test(arguments: [([3], 3), ([4, 1, 3], 3), ([4, 1, 3, 2], 2.5), ([5, 5, 5, 1], 5)] as [([Double], Double)])
  func medianIsTheMiddle(values: [Double], median: Double) throws {
    #expect(try #require(Statistics(values)).median == median)
  }

  @Test(arguments: [(0.0, 10.0), (25, 20), (50, 30), (90, 46), (100, 50), (-5, 10), (300, 50)])
  func percentilesLieBetweenValues(percent: Double, value: Double) throws {
    let statistics = try #require(Statistics([50.0, 10, 40, 20, 30]))
    #expect(abs(statistics.percentile(percent) - value) < 1e-9)
    #expect((statistics.least, statistics.most, statistics.count) == (10, 50, 5))
  }
}
