// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Testing
import WireProtocol

@Suite struct DayPartTests {
  @Test(arguments: [
    ("08:00-18:00", 480, 1080, "08:00-18:00"), ("8:05-9:00", 485, 540, "08:05-09:00"),
    ("22:00-06:00", 1320, 360, "22:00-06:00"), ("18:00-24:00", 1080, 0, "18:00-00:00"),
  ])
  func `times are read and written`(_ text: String, _ start: Int, _ end: Int, _ written: String) throws {
    let part = try DayPart(text)
    #expect(part.start == start && part.end == end && part.description == written)
  }

  @Test(arguments: [
    "", "-", "08:00", "08:00-", "08:00-18:00-19:00", "08:00-08:00", "0:00-24:00", "25:00-01:00", "24:01-02:00",
    "08:60-09:00", "8-18", "08:0-18:00", "008:00-18:00", "-1:00-02:00", "٠٨:00-18:00", "08:00 - 18:00", "+8:00-9:00",
  ])
  func `other texts are refused`(_ text: String) {
    #expect(throws: InvalidValue.self) { try DayPart(text) }
  }
}
