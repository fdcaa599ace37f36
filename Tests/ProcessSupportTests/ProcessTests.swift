// SPDX-License-Identifier: Apache-2.0

import Glibc
import ProcessSupport
import Testing

@Suite struct AsynchronousWorkTests {
  @Test func `result is returned to the waiting thread`() async {
    let value = await Task.detached { AsynchronousWork.wait { await Task { "done" }.value } }.value
    #expect(value == "done")
  }
}

@Suite struct LatestValuesTests {
  /// Lets the test control when each value has been applied.
  private struct Gate {
    let applied: AsyncStream<Int>
    let passes: AsyncStream<Void>.Continuation
    let values: LatestValues<Int>

    init() {
      let (applied, reportApplied) = AsyncStream.makeStream(of: Int.self)
      let (waiting, passes) = AsyncStream.makeStream(of: Void.self)
      self.applied = applied
      self.passes = passes
      values = LatestValues { value in
        reportApplied.yield(value)
        var iterator = waiting.makeAsyncIterator()
        _ = await iterator.next()
      }
    }
  }

  @Test func `latest of the values that wait wins`() async {
    let gate = Gate()
    var applied = gate.applied.makeAsyncIterator()
    gate.values.submit(1)
    #expect(await applied.next() == 1)
    for value in 2...5 { gate.values.submit(value) }
    gate.passes.yield()
    #expect(await applied.next() == 5)
    gate.values.submit(6)
    gate.passes.yield()
    #expect(await applied.next() == 6, "nothing between 5 and 6 is applied late")
    gate.values.stop()
  }
}

@Suite struct PollTimeoutTests {
  @Test func `timeout is rounded up`() {
    let now = SuspendingClock.now
    func timeout(_ duration: Duration) -> Int32 {
      PollTimeout.milliseconds(until: now.advanced(by: duration), now: now)
    }
    #expect(PollTimeout.milliseconds(until: nil, now: now) == -1)
    #expect(timeout(.zero) == 0)
    #expect(timeout(.seconds(-5)) == 0)
    #expect(timeout(.nanoseconds(-5)) == 0)
    #expect(timeout(.nanoseconds(1)) == 1)
    #expect(timeout(.milliseconds(7)) == 7)
    #expect(timeout(.microseconds(7_001)) == 8)
    #expect(timeout(.seconds(1 << 40)) == 1_000_000_000)
  }
}

/// Each test changes the state of a whole process, so each runs in its own.
@Suite struct ProcessWideTests {
  @Test func `first request to stop decides the exit status`() async {
    await #expect(processExitsWith: .success) {
      let stops = StopRequests()
      stops.request(exitStatus: 7)
      #expect(await stops.first() == 7)
    }
  }

  @Test func `failed write is an error, not the end of the process`() async {
    await #expect(processExitsWith: .success) {
      ProcessResources.ignoreWriteSignals()
      var ends: [CInt] = [0, 0]
      #expect(pipe(&ends) == 0)
      close(ends[0])
      var byte: UInt8 = 1
      #expect(write(ends[1], &byte, 1) == -1 && errno == EPIPE)
    }
  }

  @Test func `descriptor limit is raised to the maximum`() async {
    await #expect(processExitsWith: .success) {
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
      var limit = rlimit(rlim_cur: 64, rlim_max: 100)
      #expect(setrlimit(resource, &limit) == 0)
      #expect(ProcessResources.raiseDescriptorLimit() == 100)
      #expect(getrlimit(resource, &limit) == 0 && limit.rlim_cur == 100)
    }
  }
}
