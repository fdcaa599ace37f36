// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import Glibc
import Testing

/// Waits that end by an event or by their deadline.
@Suite struct WaitingTests {
  @Test func `wait ends by readiness or deadline`() throws {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    defer { for end in ends where end >= 0 { close(end) } }
    #expect(try Readiness.wait(for: ends[0], until: .now + .milliseconds(5)) == false)
    #expect(try Readiness.wait(for: ends[0], until: .now - .seconds(5)) == false)
    #expect(try Readiness.wait(for: ends[1], events: Int16(POLLOUT), until: nil))
    // No event except the other side closing.
    #expect(try Readiness.wait(for: ends[1], events: 0, until: .now + .milliseconds(5)) == false)
    close(ends[0])
    ends[0] = -1
    #expect(try Readiness.wait(for: ends[1], events: 0, until: nil))
  }

  @Test func `living process is not waited for beyond the timeout`() throws {
    guard let process = ProcessWatch(pid: getpid()) else {
      Issue.record("this process was not found")
      return
    }
    #expect(process.pid == getpid())
    #expect(try process.waitForExit(timeout: .milliseconds(5)) == false)
  }

  @Test func `nonexistent process cannot be watched`() {
    if ProcessWatch(pid: -5) != nil { Issue.record("a process with a negative pid") }
  }
}
