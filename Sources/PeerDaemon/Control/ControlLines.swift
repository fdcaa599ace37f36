// SPDX-License-Identifier: Apache-2.0

import LineJSON
import NIOCore
import WireProtocol

/// Messages as the bytes of their lines.
enum ControlLines {
  /// A message that has no form in JSON (a NUL in a file name, say) becomes a failure of its request.
  static func bytes(of message: JSONValue) -> [UInt8] {
    if let line = try? Jansson.encodeLine(message) { return line }
    let failure = WireFailure(.internal, "the answer has no form in JSON")
    let fallback = ControlSession.failure(failure, id: message["id"]?.integer)
    return (try? Jansson.encodeLine(fallback)) ?? []
  }

  /// The lines of events, cut into buffers of about `chunk` bytes. Events without a form in JSON are left out.
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
