// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON
package import NIOCore
package import POSIXSupport

/// What one connection does with its lines. One instance per connection, called on the connection's event loop only.
///
/// A role reads a line and appends its answer to `output` in the same call; the handler writes and flushes once for all
/// lines of one read. A role that cannot answer immediately returns `.busy` and calls `LineConnection.resume()` later, or
/// even before it returns: until both have happened it gets no further line, and no more is read than fits the buffer.
package protocol LineRole: AnyObject, SendableMetatype {
  /// The connection is open.
  func opened(_ connection: any LineConnection)
  /// Answers lines that need nothing but an answer, several in one go: a shorter way than line by line. Asks nothing of the
  /// connection.
  /// - Parameters:
  ///   - lines: begin with a line, and may end within one. Valid during the call only.
  ///   - room: no further line is answered once `output` has so many bytes.
  /// - Returns: the number of bytes that are answered, newlines included. The next line comes by `received(line:)`.
  func received(lines: UnsafeRawBufferPointer, room: Int, output: inout JSONWriter) -> Int
  /// One line without its newline; `line` is valid during the call only.
  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict
  /// No further whole line has arrived. A role that collects lines to answer them together does so now: a connection whose
  /// input has ended ends when this returns `.next`.
  func linesEnded(output: inout JSONWriter) -> LineVerdict
  /// Goes on with the line for which the last verdict was `.again`.
  func advance(output: inout JSONWriter) -> LineVerdict
  /// Some of the raw bytes announced by `.body`, at most `bodyLimit`.
  func received(body: ByteBuffer, output: inout JSONWriter) -> LineVerdict
  /// Maximum raw bytes to hand out at a time now, at least 1.
  var bodyLimit: Int { get }
  /// A line is longer than the limit: append the answer; the handler closes.
  func receivedTooLong(output: inout JSONWriter)
  /// A line has begun and has not ended in time: append the answer; the handler closes.
  func lineTimedOut(output: inout JSONWriter)
  /// The connection is refused: append the refusal; nothing more is read.
  func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter)
  /// The server is about to end.
  /// - Returns: whether the connection may end once what has arrived is answered.
  func draining(output: inout JSONWriter) -> Bool
  /// The connection is closed; nothing is called after this. Not called if it never opened.
  func closed()
}

extension LineRole {
  package func opened(_ connection: any LineConnection) {}
  package func received(lines: UnsafeRawBufferPointer, room: Int, output: inout JSONWriter) -> Int { 0 }
  package func linesEnded(output: inout JSONWriter) -> LineVerdict { .next }
  package func advance(output: inout JSONWriter) -> LineVerdict { .next }
  package func lineTimedOut(output: inout JSONWriter) {}
  package func received(body: ByteBuffer, output: inout JSONWriter) -> LineVerdict { .close }
  package var bodyLimit: Int { .max }
  package func receivedTooLong(output: inout JSONWriter) {}
  package func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter) {}
  package func draining(output: inout JSONWriter) -> Bool { true }
  package func closed() {}
}

/// How a connection continues after a line.
package enum LineVerdict: Equatable, Sendable {
  /// With the next line.
  case next
  /// With the next line, after the other connections of the event loop have had their turn: for lines that may take long,
  /// to delay only their own connection.
  case pause
  /// With `advance` in the next turn, then with the next line: for work that is done in slices.
  case again
  /// With this many raw bytes, then with the next line.
  case body(Int)
  /// With nothing until `LineConnection.resume()`.
  case busy
  /// Not at all: what was written is flushed, then the connection is closed.
  case close
}

/// What decides which connection goes when they run out: the oldest of the lowest kind.
package enum ConnectionStanding: Int, CaseIterable, Sendable {
  /// Its peer has not introduced itself.
  case new
  case greeted
  /// Others depend on it: it does not go.
  case needed
}

/// Why a connection is refused right after it was accepted, or after its first byte.
package enum ConnectionRefusal: Error, Hashable, Sendable {
  /// The server is at its limit.
  case tooMany(limit: Int)
  /// The address is at its limit.
  case tooManyOfAddress(limit: Int)
  /// All connections together hold so many bytes of unfinished lines or of answers, or those of the address their share,
  /// and this one has done so for longest.
  case lineMemory(limit: Int)
  /// The server takes no connection without TLS from there.
  case plain
}

/// A connection as its role sees it. For its event loop only.
///
/// In the role's `received` calls, answers go to `output`; the methods here are for all other times.
package protocol LineConnection: AnyObject {
  var eventLoop: any EventLoop { get }
  var remoteAddress: SocketAddress? { get }
  var localAddress: SocketAddress? { get }
  /// The process that connected to a Unix socket; `nil` on other sockets.
  var credentials: PeerCredentials? { get }
  /// The id whose key the other side has proven by its TLS certificate; `nil` on plain connections. Fixed before the first
  /// line is received; to a client, before `opened`.
  var provenPeer: PeerID? { get }
  /// When the last byte arrived.
  var lastReceived: NIODeadline { get }
  /// Whether it waits for its peer, and not for its role or its turn.
  var isReading: Bool { get }
  /// When the turn should end; for `received` and `advance` calls.
  var turnEnd: NIODeadline { get }
  /// Those of its event loop.
  var turns: LoopTurns { get }
  /// Says what the connection is worth when connections run out.
  func stand(as standing: ConnectionStanding)
  /// Writes and flushes an event, a request or a late answer.
  func send(_ write: (inout JSONWriter) -> Void)
  /// Writes raw bytes. The future succeeds when the system has taken them and fails if the connection is closed: a sender
  /// that waits for it before it sends more has no more than this in memory.
  func send(bytes: ByteBuffer) -> EventLoopFuture<Void>
  /// Writes part of a file by sendfile(2), which only a plain connection can. The future fails if the connection is closed.
  func send(region: FileRegion) -> EventLoopFuture<Void>
  /// Ends `.busy`: the next lines go to the role. Called while a line is handled, it takes effect with the verdict.
  func resume()
  /// Ends `.busy`: the role goes on with its line, by `advance`. Not while a line is handled.
  func goOn()
  /// Flushes what was sent, then closes. Called while a line is handled, it takes effect with the verdict.
  func close()
  /// Closes immediately; what was sent may be lost. For a body that cannot be completed.
  func abort()
}
