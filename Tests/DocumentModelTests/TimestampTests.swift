// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import TestSupport
import Testing

@Suite struct TimestampTests {
  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1981-09-01T00:00:00Z", 368_150_400), ("2000-02-29T23:59:59Z", 951_868_799),
      ("0001-01-01T00:00:00Z", -62_135_596_800), ("9999-12-31T23:59:59Z", 253_402_300_799),
    ] as [(String, Int64)])
  func `times are read and written`(_ text: String, _ seconds: Int64) throws {
    #expect(try Timestamp(text).seconds == seconds)
    #expect(Timestamp(seconds: seconds).text == text)
    #expect(Timestamp(seconds: seconds).description == text)
  }

  /// The oracle is the C library's calendar: gmtime(3).
  @Test func `random times agree with gmtime`() throws {
    var random = SeededGenerator(seed: 2)
    for _ in 0..<2000 {
      let seconds = Int64.random(in: Timestamp.range, using: &random)
      let text = Timestamp(seconds: seconds).text
      #expect(text == calendar(seconds))
      #expect(try Timestamp(text).seconds == seconds)
    }
  }

  @Test func `every day of four centuries agrees with gmtime`() throws {
    var seconds = try Timestamp("1896-01-01T00:00:00Z").seconds
    let end = try Timestamp("2304-01-01T00:00:00Z").seconds
    while seconds < end {
      guard Timestamp(seconds: seconds).text == calendar(seconds) else {
        Issue.record("\(seconds) is \(calendar(seconds))")
        return
      }
      seconds += 86_400
    }
  }

  private func calendar(_ seconds: Int64) -> String {
    var (time, parts) = (time_t(seconds), tm())
    gmtime_r(&time, &parts)
    func digits(_ number: CInt, _ count: Int) -> String {
      String(repeating: "0", count: max(0, count - String(number).count)) + String(number)
    }
    return "\(digits(parts.tm_year + 1900, 4))-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))T"
      + "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))Z"
  }

  @Test func `times out of range are clamped`() {
    #expect(Timestamp(seconds: .min).text == "0001-01-01T00:00:00Z")
    #expect(Timestamp(seconds: .max).text == "9999-12-31T23:59:59Z")
  }

  @Test(
    arguments: [
      ("1970-01-01T02:00:00.25+02:00", 0), ("1969-12-31T22:30:00-01:30", 0), ("1970-01-01t00:00:01z", 1),
      ("1970-01-01T00:00:00.999999999Z", 0), ("1970-01-01T23:59:00+23:59", 0),
      // A leap second is the second before it: POSIX counts none.
      ("1990-12-31T23:59:60Z", 662_687_999),
    ] as [(String, Int64)])
  func `offsets, fractions and leap seconds are read`(_ text: String, _ seconds: Int64) throws {
    #expect(try Timestamp(text).seconds == seconds)
  }

  @Test(arguments: [
    "", "1981-09-01", "1981-13-01T00:00:00Z", "1981-00-01T00:00:00Z", "1981-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
    "1981-04-31T00:00:00Z", "1981-09-00T00:00:00Z", "1981-09-01T24:00:00Z", "1981-09-01T00:60:00Z",
    "1981-09-01T00:00:61Z", "1981-09-01T00:00:00", "1981-09-01T00:00:00.Z", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "1981-09-01T00:00:00+1:00", "1981-09-01T00:00:00+24:00",
    "1981-09-01T00:00:00+00:60", "1981-09-01T00:00:00+0000", "1981-09-01T00:00:00Zx", "1981-09-01 00:00:00Z",
    "1981/09/01T00:00:00Z", "-981-09-01T00:00:00Z", "1981-09-01T00:00:0éZ",
  ])
  func `malformed times are refused`(_ text: String) {
    #expect(throws: InvalidValue.self) { try Timestamp(text) }
  }

  @Test func `damaged times are refused or read`() throws {
    var random = SeededGenerator(seed: 3)
    let sample = Array("1981-09-01T00:00:00.5+01:30".utf8)
    for _ in 0..<2000 {
      var bytes = sample
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0x20...0x7E, using: &random)
      bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
      let text = String(decoding: bytes, as: UTF8.self)
      if let read = try? Timestamp(text) { #expect(try Timestamp(read.text) == read, "\(text)") }
    }
  }
}
