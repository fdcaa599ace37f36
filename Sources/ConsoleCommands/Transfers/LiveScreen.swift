// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Draws whole screens on a terminal, in place, on its alternate screen: what was there before comes back at the end.
struct LiveScreen {
  /// xterm's alternate screen without cursor and without automatic line ends, which a width of a moment ago would cause.
  static let begin = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l"
  static let end = "\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

  /// A frame overwrites the last one line by line, which is never blank as a whole; many terminals show it at once (mode
  /// 2026). A line is cleared before it is written: behind a full one the cursor is on its last character.
  /// - Parameter rows: of the terminal; there are at most that many lines.
  static func frame(_ lines: [String], rows: Int) -> String {
    let text = lines.map { "\u{1B}[K" + $0 }.joined(separator: "\r\n")
    let rest = lines.count < rows ? "\u{1B}[\(lines.count + 1);1H\u{1B}[J" : ""
    return "\u{1B}[?2026h\u{1B}[H" + text + rest + "\u{1B}[?2026l"
  }
}

/// Restores the terminal when a signal ends or stops the process while it shows a `LiveScreen`.
enum ScreenSignals {
  private static let signals = [SIGTERM, SIGHUP, SIGTSTP]
  private static let begin = Array(LiveScreen.begin.utf8)
  private static let end = Array(LiveScreen.end.utf8)

  static func set(_ isShown: Bool) {
    // Both are made before a handler uses them.
    guard !begin.isEmpty, !end.isEmpty else { return }
    var action = sigaction()
    if isShown {
      action.__sigaction_handler.sa_handler = { number in ScreenSignals.received(number) }
    } else {
      action.__sigaction_handler.sa_handler = SIG_DFL
    }
    for number in signals { sigaction(number, &action, nil) }
  }

  /// Only async-signal-safe calls: signal-safety(7).
  private static func received(_ number: Int32) {
    let saved = errno
    write(end)
    if number == SIGTSTP {
      raise(SIGSTOP)
      write(begin)
    } else {
      signal(number, SIG_DFL)
      raise(number)
    }
    errno = saved
  }

  private static func write(_ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
  }
}
