// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A part of each day in local time: `08:00-18:00`, or over midnight `22:00-06:00`. Its end is not in it.
package struct DayPart: Hashable, Sendable, CustomStringConvertible {
  /// Minutes of a day.
  package static let minutes = 1440

  /// Minutes since midnight, 0..<1440. They differ.
  package let start: Int
  package let end: Int

  /// - Parameter text: `HH:MM-HH:MM`; 24:00 is midnight.
  /// - Throws: `InvalidValue` for another form, or if start and end are the same.
  package init(_ text: String) throws(InvalidValue) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let start = Self.minute(parts[0]), let end = Self.minute(parts[1]) else {
      throw InvalidValue("expected a part of the day, such as 08:00-18:00")
    }
    guard start % Self.minutes != end % Self.minutes else {
      throw InvalidValue("start and end of a part of the day must differ")
    }
    self.start = start % Self.minutes
    self.end = end % Self.minutes
  }

  private static func minute(_ text: Substring) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, (1...2).contains(parts[0].utf8.count), parts[1].utf8.count == 2,
      parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
      let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour * 60 + minute <= Self.minutes
    else { return nil }
    return hour * 60 + minute
  }

  /// - Parameter minute: of the day, 0..<1440.
  package func contains(_ minute: Int) -> Bool {
    start < end ? (start..<end).contains(minute) : minute >= start || minute < end
  }

  package var description: String { "\(Self.text(start))-\(Self.text(end))" }

  /// `08:00`
  package static func text(_ minute: Int) -> String {
    let (hour, rest) = (minute / 60, minute % 60)
    return "\(hour < 10 ? "0" : "")\(hour):\(rest < 10 ? "0" : "")\(rest)"
  }
}

extension FieldReader {
  func dayPart(_ name: StaticString) throws(WireFailure) -> DayPart {
    let text = try string(name)
    do throws(InvalidValue) { return try DayPart(text) } catch { throw .badRequest("\(name): \(error.reason)") }
  }
}
