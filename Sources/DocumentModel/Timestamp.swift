// SPDX-License-Identifier: Apache-2.0

/// A time in UTC with whole seconds, in the format of RFC 3339: `1981-09-01T00:00:00Z`.
package struct Timestamp: Hashable, Sendable {
  /// Seconds since 1970-01-01T00:00:00Z, without leap seconds; years 0001 to 9999.
  package let seconds: Int64

  package static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

  /// Clamped to the years 0001 to 9999.
  package init(seconds: Int64) {
    self.seconds = min(max(seconds, Self.range.lowerBound), Self.range.upperBound)
  }

  /// Reads RFC 3339 section 5.6: four-digit year, optional fraction (dropped), offset.
  package init(_ text: some StringProtocol) throws(InvalidValue) {
    guard let seconds = Self.parse(Array(text.utf8)), Self.range.contains(seconds) else {
      throw InvalidValue("expected a time such as 1981-09-01T00:00:00Z (RFC 3339)")
    }
    self.seconds = seconds
  }

  /// Reads `YYYY-MM-DDTHH:MM:SSZ`; `nil` for anything else, which may be a time all the same. Not generic: an index reads one
  /// for each record.
  package init?(usual text: UnsafeRawBufferPointer) {
    guard text.count == Self.textCount, text[4] == 0x2D, text[7] == 0x2D, text[10] == 0x54, text[13] == 0x3A,
      text[16] == 0x3A, text[19] == 0x5A, let century = Self.pair(text, 0), let rest = Self.pair(text, 2),
      let month = Self.pair(text, 5), let day = Self.pair(text, 8), let hour = Self.pair(text, 11),
      let minute = Self.pair(text, 14), let second = Self.pair(text, 17)
    else { return nil }
    let year = century * 100 + rest
    guard year >= 1, (1...12).contains(month), (1...Self.daysInMonth(month, year)).contains(day), hour <= 23,
      minute <= 59, second <= 59
    else { return nil }
    let days = Self.daysSinceEpoch(year: year, month: month, day: day)
    seconds = days * 86_400 + hour * 3600 + minute * 60 + second
  }

  /// Two digits.
  @inline(__always)
  private static func pair(_ text: UnsafeRawBufferPointer, _ offset: Int) -> Int64? {
    let (tens, ones) = (text[offset] &- 0x30, text[offset + 1] &- 0x30)
    return tens <= 9 && ones <= 9 ? Int64(tens * 10 + ones) : nil
  }

  /// `YYYY-MM-DDTHH:MM:SSZ`, 20 bytes.
  package var text: String {
    var bytes = [UInt8]()
    appendText(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the text.
  package func appendText(to bytes: inout [UInt8]) {
    bytes.append(addingCapacity: Self.textCount) { span in
      span.withUnsafeMutableBufferPointer { buffer, count in
        if let base = buffer.baseAddress { writeText(to: base + count) }
        count += Self.textCount
      }
    }
  }

  package static var textCount: Int { 20 }

  /// Writes the `textCount` bytes of the text.
  package func writeText(to text: UnsafeMutablePointer<UInt8>) {
    let time = Self.remainder(seconds, 86_400)
    let date = Self.civil(daysSinceEpoch: (seconds - time) / 86_400)
    Self.write(date.year / 100, to: text)
    Self.write(date.year % 100, to: text + 2)
    text[4] = UInt8(ascii: "-")
    Self.write(date.month, to: text + 5)
    text[7] = UInt8(ascii: "-")
    Self.write(date.day, to: text + 8)
    text[10] = UInt8(ascii: "T")
    Self.write(time / 3600, to: text + 11)
    text[13] = UInt8(ascii: ":")
    Self.write(time / 60 % 60, to: text + 14)
    text[16] = UInt8(ascii: ":")
    Self.write(time % 60, to: text + 17)
    text[19] = UInt8(ascii: "Z")
  }

  /// A number below 100 as two digits.
  @inline(__always)
  private static func write(_ number: Int64, to text: UnsafeMutablePointer<UInt8>) {
    text[0] = UInt8(truncatingIfNeeded: 0x30 + number / 10)
    text[1] = UInt8(truncatingIfNeeded: 0x30 + number % 10)
  }

  // MARK: Reading

  private static func parse(_ bytes: [UInt8]) -> Int64? {
    guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] | 0x20 == 0x74, bytes[13] == 0x3A,
      bytes[16] == 0x3A,
      let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
      let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
      year >= 1, (1...12).contains(month), (1...daysInMonth(month, year)).contains(day),
      hour <= 23, minute <= 59, second <= 60,
      let offset = offset(bytes[19...])
    else { return nil }
    let days = daysSinceEpoch(year: year, month: month, day: day)
    return days * 86_400 + hour * 3600 + minute * 60 + min(second, 59) - offset
  }

  /// The seconds east of UTC, after an optional fraction.
  private static func offset(_ tail: ArraySlice<UInt8>) -> Int64? {
    var tail = tail
    if tail.first == 0x2E {
      tail = tail.dropFirst()
      let digits = tail.prefix { (0x30...0x39).contains($0) }
      guard !digits.isEmpty else { return nil }
      tail = tail.dropFirst(digits.count)
    }
    guard let first = tail.first else { return nil }
    if first | 0x20 == 0x7A { return tail.count == 1 ? 0 : nil }
    guard first == 0x2B || first == 0x2D, tail.count == 6, tail[tail.startIndex + 3] == 0x3A,
      let hours = number(tail[tail.startIndex + 1..<tail.startIndex + 3]),
      let minutes = number(tail[tail.startIndex + 4..<tail.startIndex + 6]), hours <= 23, minutes <= 59
    else { return nil }
    let seconds = hours * 3600 + minutes * 60
    return first == 0x2D ? -seconds : seconds
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
    var value: Int64 = 0
    for digit in digits {
      guard (0x30...0x39).contains(digit) else { return nil }
      value = value * 10 + Int64(digit - 0x30)
    }
    return value
  }

  // MARK: The civil calendar

  private static func daysInMonth(_ month: Int64, _ year: Int64) -> Int64 {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return switch month {
    case 2: isLeap ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  // Years are counted from March, so that the leap day comes last; 719,468 days lie between 0000-03-01 and 1970-01-01,
  // and 146,097 make 400 years of the Gregorian calendar.
  private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
    let marchYear = month <= 2 ? year - 1 : year
    let era = marchYear / 400
    let yearOfEra = marchYear % 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func civil(daysSinceEpoch days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }

  private static func remainder(_ value: Int64, _ divisor: Int64) -> Int64 {
    (value % divisor + divisor) % divisor
  }
}

extension Timestamp: CustomStringConvertible {
  package var description: String { text }
}
