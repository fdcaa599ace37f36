// SPDX-License-Identifier: Apache-2.0

import Glibc
import SupervisorDaemon
import SystemPackage
import TestSupport
import Testing

@Suite struct AcceptorTests {
  private let now = SuspendingClock.now

  @Test(arguments: [Errno.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace, .noMemory])
  func `lack of descriptors or memory pauses accepting`(error: Errno) {
    var acceptor = Acceptor()
    acceptor.failed(error, now: now)
    let end = now.advanced(by: Acceptor.pause)
    #expect(acceptor.isPaused(now: now))
    #expect(acceptor.deadline(now: now) == end)
    #expect(!acceptor.isPaused(now: end))
    #expect(acceptor.deadline(now: end) == nil, "a deadline in the past would spin")
  }

  @Test(arguments: [Errno.wouldBlock, .connectionAbort, .connectionReset, .protocolError])
  func `failure of one connection pauses nothing`(error: Errno) {
    var acceptor = Acceptor()
    acceptor.failed(error, now: now)
    #expect(!acceptor.isPaused(now: now))
    #expect(acceptor.deadline(now: now) == nil)
  }

  /// Runs in its own process, because the limit applies to the whole process.
  @Test func `connection waits until descriptors are free again`() async {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      let listener = try ListeningSocket.unix(directory.file("socket"))
      let client = try RawConnection(path: directory.file("socket"))
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
      var limit = rlimit()
      try #require(getrlimit(resource, &limit) == 0)
      // The lowest free number is the first one refused.
      let free = dup(listener.descriptor.rawValue)
      try #require(free >= 0 && close(free) == 0)
      var tight = rlimit(rlim_cur: rlim_t(free), rlim_max: limit.rlim_max)
      try #require(setrlimit(resource, &tight) == 0)
      var acceptor = Acceptor()
      let start = SuspendingClock.now
      var accepted: [FileDescriptor] = []
      acceptor.accept(from: listener.descriptor, now: start) { accepted.append($0) }
      try #require(setrlimit(resource, &limit) == 0)
      #expect(accepted.isEmpty && acceptor.isPaused(now: start))
      acceptor.accept(from: listener.descriptor, now: start) { accepted.append($0) }
      #expect(accepted.isEmpty, "still paused")
      acceptor.accept(from: listener.descriptor, now: start.advanced(by: Acceptor.pause)) { accepted.append($0) }
      #expect(accepted.count == 1)
      withExtendedLifetime(client) {}
    }
  }
}
