// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands

/// The medians of all figures as a table: ours beside those of the rivals.
struct ResultTable {
  private static let columns = [
    Table.Column("MEASURED"), Table.Column("UNIT"), Table.Column("p2p", .right), Table.Column("LEAST-MOST", .right),
    Table.Column("CPU", .right), Table.Column("BESIDE"), Table.Column("MEDIAN", .right), Table.Column("CPU", .right),
    Table.Column("RATIO", .right), Table.Column("GOAL"),
  ]

  private let samples: [Sample]

  init(_ samples: [Sample]) {
    self.samples = samples
  }

  /// One line per figure and rival. Figures without samples are omitted.
  func render(_ figures: [Figure]) -> String {
    var table = Table(Self.columns)
    var text = ""
    for row in figures.flatMap(rows) { text += table.add(row) }
    return text + table.finish()
  }

  private func rows(of figure: Figure) -> [[String]] {
    guard let own = statistics(figure, Figure.own) else { return [] }
    let spread = "\(Self.number(own.least))-\(Self.number(own.most))"
    let start = [
      figure.title, figure.unit.rawValue, Self.number(own.median), spread, processorTime(figure, Figure.own),
    ]
    guard !figure.rivals.isEmpty else {
      return [start + ["", "", "", "", Self.verdict(figure.goal, own: own.median, other: nil)]]
    }
    return figure.rivals.enumerated().map { position, rival in
      let other = statistics(figure, rival.name)?.median
      // Our columns appear once per figure.
      return (position == 0 ? start : start.map { _ in "" }) + [
        rival.name, other.map(Self.number) ?? "-", processorTime(figure, rival.name),
        other.map { Self.number(own.median / $0) } ?? "-",
        Self.verdict(rival.goal ?? (position == 0 ? figure.goal : nil), own: own.median, other: other),
      ]
    }
  }

  /// The goal and whether it was met; empty without a goal.
  static func verdict(_ goal: Figure.Goal?, own: Double, other: Double?) -> String {
    switch goal {
    case nil: ""
    case .within(let limit): "<= \(number(limit)) " + judged(own <= limit)
    case .reaching(let limit): ">= \(number(limit)) " + judged(own >= limit)
    case .atLeast(let ratio): ">= \(number(ratio)) " + judged(other.map { own >= ratio * $0 })
    case .atMost(let ratio): "<= \(number(ratio)) " + judged(other.map { own <= ratio * $0 })
    }
  }

  private static func judged(_ isMet: Bool?) -> String {
    switch isMet {
    case true?: "met"
    case false?: "MISSED"
    case nil: "not measured"
    }
  }

  /// Three significant digits, and never fewer than the integer part.
  static func number(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "-" }
    let decimals = abs(value) >= 99.95 ? 0 : abs(value) >= 9.995 ? 1 : 2
    let scale = [1.0, 10, 100][decimals]
    let scaled = Int64((abs(value) * scale).rounded())
    let (whole, rest) = scaled.quotientAndRemainder(dividingBy: Int64(scale))
    let digits = String(rest)
    let fraction = decimals == 0 ? "" : "." + String(repeating: "0", count: decimals - digits.count) + digits
    return (value < 0 ? "-" : "") + grouped(whole) + fraction
  }

  private static func grouped(_ whole: Int64) -> String {
    let digits = Array(String(whole))
    return digits.enumerated().map { position, digit in
      (position > 0 && (digits.count - position) % 3 == 0 ? "," : "") + String(digit)
    }.joined()
  }

  private func statistics(_ figure: Figure, _ contender: String) -> Statistics? {
    Statistics(samples.lazy.filter { $0.figure == figure.id && $0.contender == contender }.map(\.value))
  }

  private func processorTime(_ figure: Figure, _ contender: String) -> String {
    let times = samples.lazy.filter { $0.figure == figure.id && $0.contender == contender }.compactMap(\.processorTime)
    guard let median = Statistics(times)?.median else { return "" }
    return "\(Self.number(median)) \(figure.unit == .requestsPerSecond ? "s/M" : "s")"
  }
}
