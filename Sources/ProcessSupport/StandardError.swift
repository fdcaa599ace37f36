// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport
import Synchronization

/// Messages for a person or a log, one line each: on a terminal `p2p-index: cannot listen …`, elsewhere with time and level,
/// as in all logs.
///
/// `report` never waits, so that event loops may call it: the pipe to the supervisor is the queue, and a line that does not
/// fit is dropped and counted. The descriptor itself stays blocking, because other processes may share it.
package final class StandardError: Sendable {
  /// Bytes of one write. A pipe that poll(2) reports as writable takes this many without blocking: PIPE_BUF in pipe(7).
  package static let maxWrite = 4_096

  private let program: String
  private let descriptor: Int32
  private let isTerminal: Bool
  package let style: LogStyle
  /// Messages dropped since the last line that was written. The lock also keeps a second writer from filling a pipe between
  /// poll(2) and write(2).
  private let dropped = Mutex(0)

  /// - Parameters:
  ///   - program: the prefix of each line on a terminal.
  ///   - style: by default that of the environment.
  package init(
    program: String, style: LogStyle = LogStyle(environment: CurrentProcess.environment()),
    descriptor: Int32 = STDERR_FILENO
  ) {
    self.program = program
    self.style = style
    self.descriptor = descriptor
    isTerminal = isatty(descriptor) == 1
  }

  /// Writes a message, or drops it if the descriptor takes nothing now.
  package func report(_ message: String, _ level: LogStyle.Level = .error) {
    guard level >= style.level else { return }
    pass(line(message, level))
  }

  /// Writes a line with its newline that another process has made, or drops it if the descriptor takes nothing now.
  package func pass(_ line: [UInt8]) {
    dropped.withLock { count in
      if !write(line, after: &count) { count += 1 }
    }
  }

  /// Writes the last message before an exit: waits up to `timeout` for room.
  package func reportLast(_ message: String, _ level: LogStyle.Level = .error, timeout: Duration = .seconds(1)) {
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

  /// Writes a line without blocking; one longer than `maxWrite` is cut. Only a terminal that has been stopped with room for
  /// part of the line can block: poll(2) promises nothing about the rest. A reader that is gone loses the line.
  /// - Returns: false if the descriptor takes nothing now.
  package static func writeIfRoom(_ line: [UInt8], to descriptor: Int32) -> Bool {
    var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    guard poll(&writable, 1, 0) == 1 else { return false }
    let line = LogStyle.cut(line, to: maxWrite)
    while Glibc.write(descriptor, line, line.count) < 0, errno == EINTR {}
    return true
  }

  private func line(_ message: String, _ level: LogStyle.Level) -> [UInt8] {
    if isTerminal, style.format == .text {
      return Array("\(program): \(TextRules.escapedForTerminal(message))\n".utf8)
    }
    return style.line(message, level, at: Timestamp(seconds: Int64(time(nil))))
  }
}
