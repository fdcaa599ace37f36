// SPDX-License-Identifier: Apache-2.0

package import LineJSON
package import NIOCore

/// What one connection does with its lines. One instance a connection, called on the connection's event loop only.
///
/// A role reads a line and appends its answer to `output` in the same call; the handler writes and flushes once for all
/// lines of one read. A role that cannot answer at once returns `.busy` and calls `LineConnection.resume()` later: until
/// then no further line is handed to it, and no more is read from the connection than fits the buffer.
package protocol LineRole: AnyObject, SendableMetatype {
  /// The connection is there.
  func opened(_ connection: any LineConnection)
  /// One line without its newline; `line` is valid during the call only.
  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict
  /// Some of the raw bytes that `.body` announced.
  func received(body: ByteBuffer, output: inout JSONWriter) -> LineVerdict
  /// A line has more bytes than the limit: append the answer, the handler closes.
  func receivedTooLong(output: inout JSONWriter)
  /// A refusal before anything was read, because there are too many connections.
  func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter)
  /// The server is about to end: return true where the connection can be closed as soon as what is under way is answered.
  func draining(output: inout JSONWriter) -> Bool
  /// The connection is gone; nothing is called after this.
  func closed()
}

extension LineRole {
  package func opened(_ connection: any LineConnection) {}
  package func received(body: ByteBuffer, output: inout JSONWriter) -> LineVerdict { .close }
  package func receivedTooLong(output: inout JSONWriter) {}
  package func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter) {}
  package func draining(output: inout JSONWriter) -> Bool { true }
  package func closed() {}
}

/// How a connection goes on after a line.
package enum LineVerdict: Equatable, Sendable {
  /// With the next line.
  case next
  /// With the next line, after the other connections of the event loop have had their turn: for lines that may have
  /// taken long, so that many of them hold up nobody but their own connection.
  case pause
  /// With this many raw bytes, then with the next line.
  case body(Int)
  /// With nothing until `LineConnection.resume()`.
  case busy
  /// Not at all: what was written is flushed, then the connection is closed.
  case close
}

/// Why a connection is refused right after it was accepted.
package enum ConnectionRefusal: Equatable, Sendable {
  /// The server has as many connections as it may have.
  case tooMany(limit: Int)
  /// One address has as many connections as it may have.
  case tooManyOfAddress(limit: Int)
}
