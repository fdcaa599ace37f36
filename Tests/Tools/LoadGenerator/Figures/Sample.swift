// SPDX-License-Identifier: Apache-2.0

import LineJSON

/// One measurement of one program.
struct Sample: Equatable, Sendable {
  let figure: Figure.ID
  /// The name of the program in the figure.
  let contender: String
  let round: Int
  /// In the unit of the figure.
  let value: Double
  /// Processor time in `Figure.Unit.processorTime`; `nil` if not measured.
  let processorTime: Double?

  init(_ figure: Figure.ID, _ contender: String, round: Int, value: Double, processorTime: Double? = nil) {
    self.figure = figure
    self.contender = contender
    self.round = round
    self.value = value
    self.processorTime = processorTime
  }

  /// One line of the JSON output.
  func line(unit: Figure.Unit) throws -> [UInt8] {
    var members: JSONMembers = [
      "figure": .string(figure.rawValue), "contender": .string(contender), "round": .integer(Int64(round)),
      "value": .real(value), "unit": .string(unit.rawValue),
    ]
    if let processorTime {
      members["cpu"] = .real(processorTime)
      members["cpu_unit"] = .string(unit.processorTime)
    }
    return try Jansson.encodeLine(.object(members))
  }
}

/// Order statistics of repeated measurements.
struct Statistics: Equatable, Sendable {
  private let ascending: [Double]

  /// - Returns: `nil` without a value.
  init?(_ values: some Sequence<Double>) {
    ascending = values.filter { !$0.isNaN }.sorted()
    guard !ascending.isEmpty else { return nil }
  }

  var least: Double { ascending.first ?? .nan }
  var most: Double { ascending.last ?? .nan }

  var median: Double { percentile(50) }

  /// Linear interpolation between ranks (method 7 of Hyndman and Fan, 1996).
  /// - Parameter percent: clamped to 0...100.
  func percentile(_ percent: Double) -> Double {
    let rank = max(0, min(1, percent / 100)) * Double(ascending.count - 1)
    let lower = Int(rank)
    let upper = min(lower + 1, ascending.count - 1)
    return ascending[lower] + (ascending[upper] - ascending[lower]) * (rank - Double(lower))
  }
}
