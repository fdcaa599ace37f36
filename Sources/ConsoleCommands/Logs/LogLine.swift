// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// One line of a log, and whose it is.
package struct LogLine: Equatable {
  package let process: String
  /// Without its end.
  package let text: String
  /// When it was written, where it begins with that.
  package let time: LogTime?
  /// The word behind the time, where it is that of a level.
  package let level: String?

  private static let levels: Set = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

  package init(process: String, text: String) {
    self.process = process
    self.text = text
    time = LogTime(beginning: text)
    let second = text.prefix(80).split(separator: " ", maxSplits: 2).dropFirst().first.map(String.init)
    level = time == nil ? nil : second.flatMap { Self.levels.contains($0) ? $0 : nil }
  }

  /// Lines of several logs in the order of their times; those of one log stay in theirs. A line without a time belongs
  /// to the one before it.
  package static func merged(_ logs: [[LogLine]]) -> [LogLine] {
    guard logs.count > 1 else { return logs.first ?? [] }
    var rows = [(time: LogTime, line: LogLine)]()
    for log in logs {
      // A clock that was set back must not tear a log apart.
      var latest = LogTime.earliest
      for line in log {
        if let time = line.time { latest = max(latest, time) }
        rows.append((latest, line))
      }
    }
    // By position too: equals keep their order by that, not by grace of the sort.
    return rows.enumerated().sorted {
      ($0.element.time, $0.offset) < ($1.element.time, $1.offset)
    }.map(\.element.line)
  }
}

/// The time at the beginning of a line: RFC 3339, with or without a colon in its offset.
package struct LogTime: Comparable {
  package static let earliest = LogTime(seconds: Timestamp.range.lowerBound, fraction: "")
  private static let longest = 40

  /// Since 1970.
  package let seconds: Int64
  /// Digits behind the point, without zeros at their end: texts of them compare as the numbers do.
  private let fraction: String

  private init(seconds: Int64, fraction: String) {
    self.seconds = seconds
    self.fraction = fraction
  }

  /// `nil` where the line begins with something else.
  package init?(beginning line: String) {
    var word = Array(line.utf8.prefix(Self.longest).prefix { $0 != UInt8(ascii: " ") })
    // ISO 8601 in its basic form, as swift-log writes it: +0000.
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

  /// RFC 3339 in UTC, with the fraction that it was written with.
  package var text: String {
    let whole = Timestamp(seconds: seconds).text
    return fraction.isEmpty ? whole : whole.dropLast() + ".\(fraction)Z"
  }
}
