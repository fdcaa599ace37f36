// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A program on a terminal of its own, and somebody who types and reads there.
package final class TypedSession {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  private let terminal: CInt
  private let pid: Int32
  private var status: Int32?
  /// What was shown and is not yet expected.
  private var shown = ""
  private var pending = [UInt8]()

  package init(_ program: Program, _ arguments: String..., columns: UInt16 = 100) throws {
    var (outer, inner): (CInt, CInt) = (-1, -1)
    var size = winsize(ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    guard openpty(&outer, &inner, nil, nil, &size) == 0 else {
      throw Failure(description: "no terminal: errno \(errno)")
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

  /// Types as a person does; `\r` is the return key, `\u{3}` Ctrl-C, `\u{4}` Ctrl-D.
  package func type(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { write(terminal, $0.baseAddress, $0.count) }
  }

  /// Reads on until a text is shown.
  /// - Returns: all that was shown before it, since the text expected before.
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
    guard isShown, let before else { throw Failure(description: "\(text) was not shown, but: \(shown)") }
    return before
  }

  /// - Returns: the exit status, and all that was shown since the text expected last.
  package func end() async throws -> (status: Int32, shown: String) {
    // A terminal that is full would keep the program.
    var ended: Int32 = 0
    let hasEnded = await eventually(within: .seconds(30)) {
      read()
      return waitpid(pid, &ended, WNOHANG) == pid
    }
    guard hasEnded else { throw Failure(description: "it goes on: \(shown)") }
    status = ended & 0x7F == 0 ? (ended >> 8) & 0xFF : 128 + (ended & 0x7F)
    read()
    return (status ?? 0, shown)
  }

  private func read() {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while case let count = Glibc.read(terminal, &chunk, chunk.count), count > 0 { pending += chunk.prefix(count) }
    // A character may be cut by the end of what is there.
    guard let text = String(validating: pending, as: UTF8.self) else { return }
    shown += text
    pending = []
  }
}
