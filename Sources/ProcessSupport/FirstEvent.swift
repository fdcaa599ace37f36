// SPDX-License-Identifier: Apache-2.0

/// Something that happens once, and that one task waits for.
package final class FirstEvent: Sendable {
  private let stream: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  package init() {
    (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  package func happened() { continuation.finish() }

  /// Returns when it has happened, or after this time.
  package func wait(for limit: Duration) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [stream] in for await _ in stream {} }
      group.addTask { try? await Task.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
  }
}
