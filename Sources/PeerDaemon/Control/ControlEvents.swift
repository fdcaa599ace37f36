// SPDX-License-Identifier: Apache-2.0

import LineTransport
import NIOCore
import Synchronization
package import WireProtocol

/// The way of a running request to send events to the one who asked.
package protocol ControlEvents: Sendable {
  /// Returns when the system has taken them, so that a slow reader holds up the work and fills no memory.
  /// - Throws: `cancelled` where nobody is there any more.
  func send(_ events: [ControlEvent]) async throws(WireFailure)
  /// Sends one if the last one offered has been taken, else forgets it: for progress, which the next one outdates.
  func offer(_ event: ControlEvent)
}

extension ControlEvents {
  package func send(_ event: ControlEvent) async throws(WireFailure) {
    try await send([event])
  }
}

/// Events of one request on one connection.
final class ConnectionEvents: ControlEvents {
  /// Sent at once, in bytes: large enough to make calls cheap.
  private static let chunk = 64 * 1024

  private let loop: any EventLoop
  private let connection: NIOLoopBound<any LineConnection>
  private let isOffering = Atomic<Bool>(false)
  private let hasEnded = Atomic<Bool>(false)

  init(_ connection: any LineConnection) {
    loop = connection.eventLoop
    self.connection = NIOLoopBound(connection, eventLoop: loop)
  }

  func send(_ events: [ControlEvent]) async throws(WireFailure) {
    for buffer in ControlLines.buffers(of: events, chunk: Self.chunk) {
      guard !Task.isCancelled else { throw Self.gone }
      do {
        try await loop.flatSubmit { [connection] in connection.value.send(bytes: buffer) }.get()
      } catch {
        throw Self.gone
      }
    }
  }

  func offer(_ event: ControlEvent) {
    guard !isOffering.exchange(true, ordering: .acquiringAndReleasing) else { return }
    loop.execute { [self] in
      // Nothing may come behind the reply.
      guard !hasEnded.load(ordering: .relaxed) else { return }
      connection.value.send(bytes: ByteBuffer(bytes: ControlLines.bytes(of: event.json))).whenComplete { [self] _ in
        isOffering.store(false, ordering: .releasing)
      }
    }
  }

  /// On the event loop, before the reply is sent.
  func end() {
    hasEnded.store(true, ordering: .relaxed)
  }

  private static let gone = WireFailure(.cancelled, "the one who asked is gone")
}
