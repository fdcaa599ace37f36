// SPDX-License-Identifier: Apache-2.0

/// The samples of a run.
struct Results {
  private let figures: [Figure]
  private(set) var samples: [Sample] = []

  init(_ figures: [Figure]) {
    self.figures = figures
  }

  mutating func add(_ sample: Sample) {
    samples.append(sample)
  }

  func table() -> String {
    ResultTable(samples).render(figures)
  }

  /// One line of JSON per sample.
  func lines() throws -> [UInt8] {
    let units = Dictionary(uniqueKeysWithValues: figures.map { ($0.id, $0.unit) })
    return try samples.flatMap { try $0.line(unit: units[$0.figure] ?? .seconds) }
  }
}
