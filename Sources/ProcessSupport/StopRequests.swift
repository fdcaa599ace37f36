// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// Where the wish to stop comes from: SIGTERM, SIGINT, or whoever calls `request`.
package final class StopRequests: Sendable {
  private let stream: AsyncStream<CInt>
  private let continuation: AsyncStream<CInt>.Continuation
  // Sound because nobody touches them after init; they only have to live.
  nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

  private static let signals = [SIGTERM, SIGINT]

  /// From now on a signal to stop waits until there is somebody to hear it: it is neither lost nor cuts off what begins.
  ///
  /// Call it before there are threads: they inherit it (pthread_sigmask(3)).
  package static func hold() {
    var held = sigset_t()
    sigemptyset(&held)
    for number in signals { sigaddset(&held, number) }
    pthread_sigmask(SIG_BLOCK, &held, nil)
  }

  package init() {
    let (stream, continuation) = AsyncStream.makeStream(of: CInt.self, bufferingPolicy: .bufferingNewest(1))
    self.stream = stream
    self.continuation = continuation
    sources = Self.signals.map { number in
      let source = DispatchSource.makeSignalSource(signal: number)
      source.setEventHandler { continuation.yield(0) }
      source.activate()
      return source
    }
  }

  /// - Parameter exitStatus: what the process is to end with.
  package func request(exitStatus: CInt = 0) {
    continuation.yield(exitStatus)
  }

  /// Returns when the first has come, with the status to end with.
  package func first() async -> CInt {
    for await status in stream { return status }
    return 0
  }
}
