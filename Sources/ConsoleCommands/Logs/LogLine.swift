// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON

/// One line of a log with its process.
package struct LogLine: Equatable {
  package let process: String
  /// Without the newline.
  package let text: String
  /// The time that the line starts with, if any.
  package let time: LogTime?
  /// The word after the time, if it is a log level.
  package let level: String?
  /// What follows them, or the member of that name; the whole line without a level.
  package let message: String

  private static let levels: Set = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

  package init(process: String, text: String) {
    self.process = process
    self.text = text
    if text.hasPrefix(#"{"time":"#), let members = (try? Jansson.decode(text.utf8))?.object {
      time = members["time"]?.string.flatMap { LogTime(beginning: $0) }
      level = members["level"]?.string
      message = members["message"]?.string ?? text
      return
    }
    time = LogTime(beginning: text)
    let second = text.prefix(80).split(separator: " ", maxSplits: 2).dropFirst().first.map(String.init)
    level = time == nil ? nil : second.flatMap { Self.levels.contains($0) ? $0 : nil }
    let parts = text.split(separator: " ", maxSplits: 2)
    message = level != nil && parts.count == 3 ? String(parts[2]) : text
  }

  /// Merges logs by time; the lines of one log keep their order. A line without a time stays with the line before it.
  package static func merged(_ logs: [[LogLine]]) -> [LogLine] {
    guard logs.count > 1 else { return logs.first ?? [] }
    var rows = [(time: LogTime, line: LogLine)]()
    for log in logs {
      // Keeps a log together if the clock was set back.
      var latest = LogTime.earliest
      for line in log {
        if let time = line.time { latest = max(latest, time) }
        rows.append((latest, line))
      }
    }
    // Also by position, because the sort is not guaranteed to be stable.
    return rows.enumerated().sorted {
      ($0.element.time, $0.offset) < ($1.element.time, $1.offset)
    }.map(\.element.line)
  }
}

/// The time at the start of a line: RFC 3339, with or without a colon in the offset.
package struct LogTime: Comparable {
  package static let earliest = LogTime(seconds: Timestamp.range.lowerBound, fraction: "")
  private static let maxLength = 40

  /// Seconds since 1970.
  package let seconds: Int64
  /// Digits after the decimal point without trailing zeros, so that they compare like numbers.
  private let fraction: String

  private init(seconds: Int64, fraction: String) {
    self.seconds = seconds
    self.fraction = fraction
  }

  /// `nil` if the line starts with something else.
  package init?(beginning line: String) {
    var word = Array(line.utf8.prefix(Self.maxLength).prefix { $0 != UInt8(ascii: " ") })
    // swift-log writes the basic ISO 8601 form: +0000.
    if word.count > 5, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(word[word.count - 5]) {
      word.insert(UInt8(ascii: ":"), at: word.count - 2)
    }
    let text = String(decoding: word, as: UTF8.self)
    guard let time = try? Timestamp(text) else { return nil }
    seconds = time.seconds
    var digits = word.drop { $0 != UInt8(ascii: ".") }.dropFirst().prefix { (0x30...0x39).contains($0) }
    while digits.last == 0x30 { digits.removeLast() }
    fraction = String(decoding: digits, as: UTF8.self)
  }

  package static func < (left: LogTime, right: LogTime) -> Bool {
    (left.seconds, left.fraction) < (right.seconds, right.fraction)
  }

  /// RFC 3339 in UTC, with the original fraction.
  package var text: String {
    let whole = Timestamp(seconds: seconds).text
    return fraction.isEmpty ? whole : whole.dropLast() + ".\(fraction)Z"
  }
}
