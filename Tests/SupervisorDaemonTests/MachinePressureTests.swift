// SPDX-License-Identifier: Apache-2.0

import SupervisorDaemon
import Testing

@Suite struct MachinePressureTests {
  private func file(some: Double, full: Double = 0) -> [UInt8] {
    Array(
      """
      some avg10=0.00 avg60=\(some) avg300=1.00 total=7199047157
      full avg10=0.00 avg60=\(full) avg300=99.00 total=0

      """.utf8)
  }

  @Test func `averages of the last minute are read`() {
    let pressure = MachinePressure(
      processor: file(some: 3.94), memory: file(some: 0.5), storage: file(some: 90, full: 12))
    #expect(pressure.processor == 3.94 && pressure.memory == 0.5 && pressure.storage == 12)
    #expect(!pressure.isStarved)
  }

  @Test func `any lack starves`() {
    let none = file(some: 0)
    #expect(MachinePressure(processor: file(some: 99), memory: none, storage: none).isStarved)
    #expect(MachinePressure(processor: none, memory: file(some: 55), storage: none).isStarved)
    #expect(MachinePressure(processor: none, memory: none, storage: file(some: 100, full: 80)).isStarved)
  }

  @Test(arguments: ["", "some", "some avg60=", "some avg60=x", "full avg60=99", "somewhat avg60=99"])
  func `missing and malformed files report nothing`(text: String) {
    #expect(!MachinePressure(processor: nil, memory: nil, storage: nil).isStarved)
    let pressure = MachinePressure(processor: Array(text.utf8), memory: nil, storage: nil)
    #expect(pressure.processor == nil && !pressure.isStarved)
  }
}

@Suite struct RepeatedMessagesTests {
  private let start = SuspendingClock.now

  @Test func `first lines are logged, later ones hourly with their number`() {
    var messages = RepeatedMessages()
    var logged: [String] = []
    // Every five seconds for a bit more than two hours.
    for second in stride(from: 0, to: 7_500, by: 5) {
      if let text = messages.next("no room", now: start.advanced(by: .seconds(second))) { logged.append(text) }
    }
    #expect(
      logged == [
        "no room", "no room", "no room (logged once per hour while it repeats)",
        "no room (720 times since the last of these lines)", "no room (720 times since the last of these lines)",
      ])
  }

  @Test func `message after a pause is new`() {
    var messages = RepeatedMessages()
    for minute in 0..<100 {
      #expect(messages.next("killed", now: start.advanced(by: .seconds(minute * 61))) == "killed")
    }
  }

  @Test func `messages do not affect each other, and their number is bounded`() {
    var messages = RepeatedMessages()
    for round in 0..<2 {
      for number in 0..<2_000 {
        #expect(messages.next("\(number)", now: start.advanced(by: .seconds(round))) == "\(number)")
      }
    }
  }
}
