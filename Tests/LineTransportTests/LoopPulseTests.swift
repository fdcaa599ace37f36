// SPDX-License-Identifier: Apache-2.0

import Dispatch
import LineTransport
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite struct LoopPulseTests {
  @Test func `beat comes after every loop has run`() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
    let (beats, beat) = AsyncStream.makeStream(of: Void.self)
    let pulse = LoopPulse.through(group)
    pulse { beat.yield() }
    var iterator = beats.makeAsyncIterator()
    #expect(await iterator.next() != nil)
    try await group.shutdownGracefully()
  }

  @Test func `blocked loop holds the beat back`() async throws {
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
