// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A program on its own terminal, driven by typed text.
package final class TypedSession {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  private let terminal: CInt
  private let pid: Int32
  private var status: Int32?
  /// Shown text that was not expected yet.
  private var shown = ""
  private var pending = [UInt8]()

  package init(_ program: Program, _ arguments: String..., columns: UInt16 = 100, rows: UInt16 = 40) throws {
    var (outer, inner): (CInt, CInt) = (-1, -1)
    var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    guard openpty(&outer, &inner, nil, nil, &size) == 0 else {
      throw Failure(description: "openpty: \(String(cString: strerror(errno)))")
    }
    defer { close(inner) }
    terminal = outer
    _ = fcntl(outer, F_SETFD, FD_CLOEXEC)
    pid = try program.start(arguments, onTerminal: inner)
    _ = fcntl(terminal, F_SETFL, O_NONBLOCK)
  }

  deinit {
    if status == nil { kill(pid, SIGKILL) }
    close(terminal)
  }

  /// Types a text: `\r` is Return, `\u{3}` Ctrl-C, `\u{4}` Ctrl-D.
  package func type(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { write(terminal, $0.baseAddress, $0.count) }
  }

  package func signal(_ number: Int32) {
    kill(pid, number)
  }

  /// Changes the size of the terminal.
  package func resize(columns: UInt16, rows: UInt16) {
    var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(terminal, UInt(TIOCSWINSZ), &size)
  }

  /// Reads until a text is shown.
  /// - Returns: everything shown before it since the last expected text.
  @discardableResult
  package func expect(_ text: String) async throws -> String {
    var before: String?
    let isShown = await eventually(within: .seconds(30)) {
      read()
      guard let range = shown.firstRange(of: text) else { return false }
      before = String(shown[..<range.lowerBound])
      shown = String(shown[range.upperBound...])
      return true
    }
    guard isShown, let before else { throw Failure(description: "expected \(text), shown: \(shown)") }
    return before
  }

  /// Waits for the exit.
  /// - Returns: the exit status, and everything shown since the last expected text.
  package func end() async throws -> (status: Int32, shown: String) {
    // Keep reading: a full terminal would block the program.
    var ended: Int32 = 0
    let hasEnded = await eventually(within: .seconds(30)) {
      read()
      return waitpid(pid, &ended, WNOHANG) == pid
    }
    guard hasEnded else { throw Failure(description: "still running, shown: \(shown)") }
    status = ended & 0x7F == 0 ? (ended >> 8) & 0xFF : 128 + (ended & 0x7F)
    read()
    return (status ?? 0, shown)
  }

  private func read() {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while case let count = Glibc.read(terminal, &chunk, chunk.count), count > 0 { pending += chunk.prefix(count) }
    // The last character may be incomplete.
    guard let text = String(validating: pending, as: UTF8.self) else { return }
    shown += text
    pending = []
  }
}
