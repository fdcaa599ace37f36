import Dispatch
import Glibc

/// Where the wish to stop comes from: SIGTERM, SIGINT, or whoever calls `request`.
package final class StopRequests: Sendable {
  private let stream: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation
  // Sound because nobody touches them after init; they only have to live.
  nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

  package init() {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    self.stream = stream
    self.continuation = continuation
    sources = [SIGTERM, SIGINT].map { number in
      // The default action would come before the source.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number)
      source.setEventHandler { continuation.yield() }
      source.activate()
      return source
    }
  }

  package func request() {
    continuation.yield()
  }

  /// Returns when the first has come.
  package func first() async {
    for await _ in stream { return }
  }
}
