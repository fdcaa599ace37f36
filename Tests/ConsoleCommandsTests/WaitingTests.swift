// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import Glibc
import Testing

/// Waits that end: by what is waited for, or by their time.
@Suite struct WaitingTests {
  @Test func aDescriptorIsReadyOrTheTimeIsOver() throws {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    defer { for end in ends where end >= 0 { close(end) } }
    #expect(try Readiness.wait(for: ends[0], until: .now + .milliseconds(5)) == false)
    #expect(try Readiness.wait(for: ends[0], until: .now - .seconds(5)) == false)
    #expect(try Readiness.wait(for: ends[1], events: Int16(POLLOUT), until: nil))
    // No event but that the other side has gone.
    #expect(try Readiness.wait(for: ends[1], events: 0, until: .now + .milliseconds(5)) == false)
    close(ends[0])
    ends[0] = -1
    #expect(try Readiness.wait(for: ends[1], events: 0, until: nil))
  }

  @Test func aProcessThatLivesIsWaitedForInVain() throws {
    guard let process = ProcessWatch(pid: getpid()) else {
      Issue.record("this very process is not found")
      return
    }
    #expect(process.pid == getpid())
    #expect(try process.waitForExit(timeout: .milliseconds(5)) == false)
  }

  @Test func whatNeverWasIsNoProcess() {
    if ProcessWatch(pid: -5) != nil { Issue.record("a process without a number") }
  }
}
