// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
import Synchronization

/// Messages for a person or a log, one line each: on a terminal `p2p-index: cannot listen …`, elsewhere with time and level,
/// as in all logs.
///
/// `report` never waits, so that event loops may call it: the pipe to the supervisor is the queue, and a line that does not
/// fit is dropped and counted. The descriptor itself stays blocking, because other processes may share it.
package final class StandardError: Sendable {
  package enum Level: String, Sendable, CaseIterable {
    case debug
    case info
    case notice
    case warning
    case error
    case critical
  }

  /// Bytes of a line. A pipe that poll(2) reports as writable takes this many without blocking: PIPE_BUF in pipe(7).
  package static let maxLine = 4_096

  private let program: String
  private let descriptor: Int32
  private let isTerminal: Bool
  /// Messages dropped since the last line that was written. The lock also keeps a second writer from filling a pipe between
  /// poll(2) and write(2).
  private let dropped = Mutex(0)

  /// - Parameter program: the prefix of each line on a terminal.
  package init(program: String, descriptor: Int32 = STDERR_FILENO) {
    self.program = program
    self.descriptor = descriptor
    isTerminal = isatty(descriptor) == 1
  }

  /// Writes a message, or drops it if the descriptor takes nothing now.
  package func report(_ message: String, _ level: Level = .error) {
    let line = line(message, level)
    dropped.withLock { count in
      if !write(line, after: &count) { count += 1 }
    }
  }

  /// Writes the last message before an exit: waits up to `timeout` for room.
  package func reportLast(_ message: String, _ level: Level = .error, timeout: Duration = .seconds(1)) {
    let line = line(message, level)
    waitForRoom(timeout: timeout) { write(line, after: &$0) }
  }

  /// Reports what was dropped, if anything was: waits up to `timeout` for room.
  package func flush(timeout: Duration = .milliseconds(500)) {
    waitForRoom(timeout: timeout) { write([], after: &$0) }
  }

  private func waitForRoom(timeout: Duration, _ attempt: (inout Int) -> Bool) {
    let deadline = ContinuousClock.now.advanced(by: timeout)
    while !dropped.withLock({ attempt(&$0) }) {
      let rest = ContinuousClock.now.duration(to: deadline)
      guard rest > .zero else { return }
      var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      _ = poll(&writable, 1, PollTimeout.milliseconds(rest))
    }
  }

  /// False if there was no room. The number of messages lost before comes first.
  private func write(_ line: [UInt8], after dropped: inout Int) -> Bool {
    if dropped > 0 {
      guard Self.writeIfRoom(self.line("\(dropped) messages dropped", .warning), to: descriptor) else { return false }
      dropped = 0
    }
    return line.isEmpty || Self.writeIfRoom(line, to: descriptor)
  }

  /// Writes a line without blocking; one longer than `maxLine` is cut. Only a terminal that has been stopped with room for
  /// part of the line can block: poll(2) promises nothing about the rest. A reader that is gone loses the line.
  /// - Returns: false if the descriptor takes nothing now.
  package static func writeIfRoom(_ line: [UInt8], to descriptor: Int32) -> Bool {
    var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    guard poll(&writable, 1, 0) == 1 else { return false }
    let line = cut(line)
    while Glibc.write(descriptor, line, line.count) < 0, errno == EINTR {}
    return true
  }

  private static func cut(_ line: [UInt8]) -> [UInt8] {
    guard line.count > maxLine else { return line }
    // Before a character, not inside it: bytes that continue one are 10xxxxxx.
    let end = line[..<(maxLine - 3)].lastIndex { $0 & 0xC0 != 0x80 } ?? 0
    return line[..<end] + Array("…\n".utf8)
  }

  private func line(_ message: String, _ level: Level) -> [UInt8] {
    let text =
      isTerminal
      ? "\(program): \(TextRules.escapedForTerminal(message))\n"
      : Self.logLine(message, level, at: Timestamp(seconds: Int64(time(nil))))
    return Array(text.utf8)
  }

  /// `2026-01-02T03:04:05Z info listens at 127.0.0.1:7734`. The message may contain text from strangers, so it is escaped: it
  /// stays one line and cannot drive a terminal.
  package static func logLine(_ message: String, _ level: Level, at time: Timestamp) -> String {
    "\(time.text) \(level.rawValue) \(TextRules.escapedForTerminal(message))\n"
  }
}
