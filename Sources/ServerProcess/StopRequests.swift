import Dispatch
import Glibc

/// Where the wish to stop comes from: SIGTERM, SIGINT, or whoever calls `request`.
package final class StopRequests: Sendable {
  private let stream: AsyncStream<CInt>
  private let continuation: AsyncStream<CInt>.Continuation
  // Sound because nobody touches them after init; they only have to live.
  nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

  package init() {
    let (stream, continuation) = AsyncStream.makeStream(of: CInt.self, bufferingPolicy: .bufferingNewest(1))
    self.stream = stream
    self.continuation = continuation
    sources = [SIGTERM, SIGINT].map { number in
      // The default action would come before the source.
      signal(number, SIG_IGN)
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
