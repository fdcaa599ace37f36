// SPDX-License-Identifier: Apache-2.0

import LineJSON

/// One measurement of one program.
package struct Sample: Equatable, Sendable {
  package let figure: Figure.ID
  /// The program, as the figure names it.
  package let contender: String
  package let round: Int
  /// In the figure's unit.
  package let value: Double
  /// Processor time, in the figure's unit for that; `nil` where it was not measured.
  package let processorTime: Double?

  package init(_ figure: Figure.ID, _ contender: String, round: Int, value: Double, processorTime: Double? = nil) {
    self.figure = figure
    self.contender = contender
    self.round = round
    self.value = value
    self.processorTime = processorTime
  }

  /// A line of the raw results.
  package func line(unit: Figure.Unit) throws -> [UInt8] {
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
