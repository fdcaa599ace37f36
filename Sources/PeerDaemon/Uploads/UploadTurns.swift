// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import NIOPosix
import Synchronization

/// Runs the blocking work of all upload connections on a pool, a few jobs at a time; the connections take turns by what
/// their requests cost.
package final class UploadTurns: Sendable {
  /// The share of a request in the time of a connection, apart from its bytes: as much as sending this many.
  package static let requestCost: Int64 = 64 * 1024
  /// The cost of reading and hashing two nodes: about half a microsecond.
  package static let nodeCost: Int64 = 1024
  /// Threads that stay for others while uploads are waiting.
  private static let sparedThreads = 2

  /// - Parameter isActive: false if the pool has ended: then it only reports that.
  private typealias Job = @Sendable (_ isActive: Bool) -> Void

  private struct State {
    var queue = FairQueue<Job>()
    var running = 0
  }

  private let pool: NIOThreadPool
  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter threads: those of the pool.
  package init(pool: NIOThreadPool, threads: Int = PeerThreads.fileThreads) {
    self.pool = pool
    limit = max(1, threads - Self.sparedThreads)
  }

  /// Runs work when it is the client's turn. The future fails only if the pool has ended.
  package func run<Value: Sendable>(
    for client: ObjectIdentifier, cost: Int64, on loop: any EventLoop, _ work: @escaping @Sendable () -> Value
  ) -> EventLoopFuture<Value> {
    let promise = loop.makePromise(of: Value.self)
    state.withLock { state in
      state.queue.add(
        { isActive in
          if isActive { promise.succeed(work()) } else { promise.fail(CancellationError()) }
        }, of: client, cost: cost)
    }
    startNext()
    return promise.futureResult
  }

  /// The client is gone.
  package func forget(_ client: ObjectIdentifier) {
    state.withLock { $0.queue.forget(client) }
  }

  private func startNext() {
    let job = state.withLock { state -> Job? in
      guard state.running < limit, let job = state.queue.next() else { return nil }
      state.running += 1
      return job
    }
    guard let job else { return }
    pool.submit { poolState in
      job(poolState == .active)
      self.state.withLock { $0.running -= 1 }
      self.startNext()
    }
  }
}
