// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Dispatch
import NIOCore
import NIOPosix
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

@Suite struct ThreadPoolTests {
  @Test func `interruptible work ends when its task is cancelled`() async throws {
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    let task = Task {
      try await pool.interruptible { isCancelled throws(StoreError) in
        while !isCancelled() {}
      }
    }
    task.cancel()
    let failure = await #expect(throws: WireFailure.self) { try await task.value }
    #expect(failure?.code == .cancelled)
    try await pool.shutdownGracefully()
  }

  @Test func `work of a stopped pool is unavailable`() async throws {
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    try await pool.shutdownGracefully()
    let failure = await #expect(throws: WireFailure.self) {
      try await pool.interruptible { _ throws(StoreError) in }
    }
    #expect(failure?.code == .unavailable)
  }

  /// For example while they read from a network file system that hangs.
  @Test func `status and own list answer while all file threads hang`() async throws {
    try await DaemonFixture.with { fixture in
      let path = try fixture.directory.write("x", [1])
      let threads = PeerThreads()
      try await fixture.withPeer(acknowledgement: .milliseconds(50), threads: threads) { alice in
        _ = try await alice.add([path])
        let release = DispatchSemaphore(value: 0)
        defer { for _ in 0..<PeerThreads.fileThreads { release.signal() } }
        for _ in 0..<PeerThreads.fileThreads { threads.files.submit { _ in release.wait() } }
        #expect(try await alice.status().documents == 1)
        #expect(try await alice.mine() == ["file/x": .shared])
      }
    }
  }
}

@Suite struct StoreFailureTests {
  @Test(arguments: [
    (StoreError.Code.vanished, ErrorCode.noInput), (.unreadable, .noInput), (.notAFile, .noInput),
    (.changed, .changed), (.cancelled, .cancelled), (.exists, .cannotCreate), (.cannotCreate, .cannotCreate),
    (.noSpace, .cannotCreate), (.notADirectory, .cannotCreate), (.nameTooLong, .cannotCreate),
    (.invalidRange, .invalidRange), (.catalogueInUse, .unavailable), (.inputOutput, .internal),
    (.damagedLayer, .internal), (.catalogueDamaged, .unavailable), (.catalogueFailed, .internal),
  ])
  func `failure of the store has a code on the wire`(_ code: StoreError.Code, expected: ErrorCode) {
    let failure = WireFailure(StoreError(code, "/x", "is broken"))
    #expect(failure.code == expected)
    #expect(failure.message == "/x: is broken")
  }
}
