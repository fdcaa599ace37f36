// SPDX-License-Identifier: Apache-2.0

import Dispatch
import DocumentModel
import Foundation
import Glibc
import NIOCore
import NIOPosix
import LineTransport
import ProcessSupport
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct ListenFailureTests {
  private let address = Endpoint(host: "127.0.0.1", port: 80)

  @Test(arguments: [
    (EADDRINUSE, "Address already in use. Perhaps it runs there already; --listen HOST:PORT chooses another address"),
    (EADDRNOTAVAIL, "Cannot assign requested address. --listen takes an address of this machine"),
    (EACCES, "Permission denied. Ports below 1024 need special rights"),
    (EMFILE, "Too many open files"),
  ])
  func saysWhatHappenedToWhatAndWhatToDo(code: CInt, words: String) {
    let error = IOError(errnoCode: code, reason: "bind")
    #expect(ListenFailure.explain(error, listen: address) == "cannot listen at 127.0.0.1:80: \(words)")
  }

  @Test func anErrorOfAnotherKindIsToldAsItIs() {
    struct Strange: Error, CustomStringConvertible {
      let description = "the moon is full"
    }
    #expect(
      ListenFailure.explain(Strange(), listen: address) == "cannot listen at 127.0.0.1:80: the moon is full")
  }
}

@Suite struct AsynchronousWorkTests {
  @Test func whatComesOfItIsReturned() async {
    let value = await Task.detached { AsynchronousWork.wait { await Task { "done" }.value } }.value
    #expect(value == "done")
  }
}

@Suite struct LoopPulseTests {
  @Test func theBeatComesWhenEveryLoopHasTurned() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
    let (beats, beat) = AsyncStream.makeStream(of: Void.self)
    let pulse = LoopPulse.through(group)
    pulse { beat.yield() }
    var iterator = beats.makeAsyncIterator()
    #expect(await iterator.next() != nil)
    try await group.shutdownGracefully()
  }

  @Test func aLoopThatHangsHoldsTheBeatBack() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
    let loops = Array(group.makeIterator())
    let (beats, beat) = AsyncStream.makeStream(of: Void.self)
    let beaten = Mutex(false)
    let end = DispatchSemaphore(value: 0)
    try #require(loops.last).execute { end.wait() }
    let pulse = LoopPulse.through(group)
    pulse {
      beaten.withLock { $0 = true }
      beat.yield()
    }
    for loop in loops.dropLast() { try await loop.submit {}.get() }
    #expect(!beaten.withLock { $0 })
    end.signal()
    var iterator = beats.makeAsyncIterator()
    #expect(await iterator.next() != nil)
    #expect(beaten.withLock { $0 })
    try await group.shutdownGracefully()
  }
}

/// Each changes what belongs to a whole process, so each has one of its own.
@Suite struct ProcessWideTests {
  @Test func theFirstRequestToStopDecidesTheStatus() async {
    await #expect(processExitsWith: .success) {
      let stops = StopRequests()
      stops.request(exitStatus: 7)
      #expect(await stops.first() == 7)
    }
  }

  @Test func aWriteThatCannotBeIsAnErrorAndNotTheEnd() async {
    await #expect(processExitsWith: .success) {
      ProcessResources.ignoreWriteSignals()
      var ends: [CInt] = [0, 0]
      #expect(pipe(&ends) == 0)
      close(ends[0])
      var byte: UInt8 = 1
      #expect(write(ends[1], &byte, 1) == -1 && errno == EPIPE)
    }
  }

  @Test func descriptorsAreRaisedToWhatTheSystemAllows() async {
    await #expect(processExitsWith: .success) {
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
      var limit = rlimit(rlim_cur: 64, rlim_max: 100)
      #expect(setrlimit(resource, &limit) == 0)
      #expect(ProcessResources.raiseDescriptorLimit() == 100)
      #expect(getrlimit(resource, &limit) == 0 && limit.rlim_cur == 100)
    }
  }
}
