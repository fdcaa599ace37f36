// SPDX-License-Identifier: Apache-2.0

import LineJSON
import LineTransport
import NIOCore
import Synchronization
package import WireProtocol

/// Sends the events of one running request to its client.
package final class ControlEvents: Sendable {
  /// Bytes per write.
  private static let chunk = 64 * 1024

  private let loop: any EventLoop
  private let connection: NIOLoopBound<any LineConnection>
  private let isOffering = Atomic<Bool>(false)
  private let hasEnded = Atomic<Bool>(false)

  init(_ connection: any LineConnection) {
    loop = connection.eventLoop
    self.connection = NIOLoopBound(connection, eventLoop: loop)
  }

  /// Returns when the socket has taken the events: a slow reader delays the work instead of filling memory.
  /// - Throws: `cancelled` if the client has disconnected.
  package func send(_ events: [ControlEvent]) async throws(WireFailure) {
    for buffer in ControlLines.buffers(of: events, chunk: Self.chunk) {
      guard !Task.isCancelled else { throw Self.disconnected }
      do {
        try await loop.flatSubmit { [connection] in connection.value.send(bytes: buffer) }.get()
      } catch {
        throw Self.disconnected
      }
    }
  }

  /// Sends a `bytes` event with the bytes. Returns when the socket has taken them.
  /// - Parameter bytes: at least one, at most `ControlPlane.lineLimit`.
  /// - Throws: `cancelled` if the client has disconnected.
  package func send(bytes: [UInt8]) async throws(WireFailure) {
    guard !Task.isCancelled else { throw Self.disconnected }
    var buffer = ByteBuffer(bytes: ControlLines.bytes(of: ControlEvent.bytes(count: bytes.count).json))
    buffer.writeBytes(bytes)
    do {
      try await loop.flatSubmit { [connection, buffer] in connection.value.send(bytes: buffer) }.get()
    } catch {
      throw Self.disconnected
    }
  }

  /// Sends an event, or drops it while the previous one is not taken: for progress, which the next event replaces.
  package func offer(_ event: ControlEvent) {
    guard !isOffering.exchange(true, ordering: .acquiringAndReleasing) else { return }
    loop.execute { [self] in
      // Nothing may follow the reply.
      guard !hasEnded.load(ordering: .relaxed) else { return }
      connection.value.send(bytes: ByteBuffer(bytes: ControlLines.bytes(of: event.json))).whenComplete { [self] _ in
        isOffering.store(false, ordering: .releasing)
      }
    }
  }

  /// Call on the event loop before the reply is sent.
  func end() {
    hasEnded.store(true, ordering: .relaxed)
  }

  private static let disconnected = WireFailure(.cancelled, "client disconnected")
}

/// Encodes messages as lines.
enum ControlLines {
  /// A message that JSON cannot represent, such as a file name with a NUL, becomes a failure of its request.
  static func bytes(of message: JSONValue) -> [UInt8] {
    if let line = try? Jansson.encodeLine(message) { return line }
    let failure = WireFailure(.internal, "the reply cannot be represented in JSON")
    return (try? Jansson.encodeLine(failure.json(id: message["id"]?.integer))) ?? []
  }

  /// The lines of events in buffers of about `chunk` bytes. Events that JSON cannot represent are left out.
  static func buffers(of events: [ControlEvent], chunk: Int) -> [ByteBuffer] {
    var buffers = [ByteBuffer]()
    var current = ByteBuffer()
    for event in events {
      guard let line = try? Jansson.encodeLine(event.json) else { continue }
      current.writeBytes(line)
      if current.readableBytes >= chunk {
        buffers.append(current)
        current = ByteBuffer()
      }
    }
    if current.readableBytes > 0 { buffers.append(current) }
    return buffers
  }
}
