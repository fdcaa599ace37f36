// SPDX-License-Identifier: Apache-2.0

import LineJSON
import LoadGenerator
import Testing

@Suite struct ResultTableTests {
  private static let figure = Figure(
    .lookup, "lookup", .requestsPerSecond, rivals: [.init("Redis", .atLeast(0.8)), .init("other")])

  @Test func putsMediansBesideEachOther() {
    let samples = [70_000.0, 90_000, 80_000].map {
      Sample(.lookup, Figure.own, round: 1, value: $0, processorTime: 12.5)
    }
    let table = ResultTable(samples + [Sample(.lookup, "Redis", round: 1, value: 100_000)]).render([Self.figure])
    let lines = table.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true) }
    #expect(lines.count == 3)
    #expect(
      lines[1].joined(separator: " ")
        == "lookup requests/s 80,000 70,000-90,000 12.5 s/M Redis 100,000 0.80 >= 0.80 met")
    #expect(lines[2].joined(separator: " ") == "other - -")
  }

  @Test func leavesOutWhatWasNotMeasured() {
    #expect(ResultTable([]).render([Self.figure]).isEmpty)
  }

  @Test(
    arguments: [
      (.within(10), 10, nil, "<= 10.0 met"), (.within(10), 10.1, nil, "<= 10.0 MISSED"),
      (.atMost(0.7), 7, 10, "<= 0.70 met"), (.atMost(0.7), 7.1, 10, "<= 0.70 MISSED"),
      (.atLeast(1), 9, 10, ">= 1.00 MISSED"), (.atLeast(1), 9, nil, ">= 1.00 not measured"),
    ] as [(Figure.Goal, Double, Double?, String)])
  func judges(goal: Figure.Goal, own: Double, other: Double?, verdict: String) {
    #expect(ResultTable.verdict(goal, own: own, other: other) == verdict)
  }

  @Test(
    arguments: [
      (0.0, "0.00"), (0.005, "0.01"), (1.5, "1.50"), (9.999, "10.0"), (12.34, "12.3"), (99.97, "100"),
      (1234.5, "1,235"),
      (1_000_000, "1,000,000"), (-12.34, "-12.3"), (.infinity, "-"), (.nan, "-"),
    ] as [(Double, String)])
  func writesNumbersForPeople(value: Double, text: String) {
    #expect(ResultTable.number(value) == text)
  }

  @Test func writesSamplesAsLines() throws {
    let sample = Sample(.start, Figure.own, round: 2, value: 1.25, processorTime: 0.5)
    let line = try sample.line(unit: .milliseconds)
    #expect(line.last == UInt8(ascii: "\n"))
    let json = try Jansson.decode(Array(line.dropLast()))
    #expect(json["figure"]?.string == "start" && json["contender"]?.string == "p2p" && json["round"]?.integer == 2)
    #expect(json["value"]?.number == 1.25 && json["unit"]?.string == "ms")
    #expect(json["cpu"]?.number == 0.5 && json["cpu_unit"]?.string == "CPU-s")
  }

  @Test func everyFigureIsThereOnce() {
    #expect(Figure.all(large: 1 << 30).map(\.id) == Figure.ID.allCases)
  }
}
