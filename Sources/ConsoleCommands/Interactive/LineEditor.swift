// SPDX-License-Identifier: Apache-2.0

import CEditLine
import Glibc
import Synchronization

/// Reads lines on a terminal with libedit: editing, history, completion.
///
/// libedit receives one character at a time, after a wait that Ctrl-C can interrupt; it never waits itself.
struct LineEditor {
  /// Static, because libedit's callbacks take no context. There is one terminal.
  private static let received = Mutex<InputLine?>(nil)
  /// Set before a line is read; called by the thread that reads it.
  nonisolated(unsafe) private static var complete: (_ line: String, _ replaced: String) -> LineCompletions = { _, _ in
    LineCompletions()
  }

  /// In characters; longer lines are not completed.
  private static let maxCompletedLength: Int32 = 200

  private let prompt: String

  /// - Parameter complete: finds the candidates that can replace the end of a line, `replaced`.
  init(prompt: String, complete: @escaping (_ line: String, _ replaced: String) -> LineCompletions) {
    self.prompt = prompt
    Self.useUTF8()
    editline_prepare("p2pctl")
    using_history()
    Self.complete = complete
    editline_complete_with { text, start, _ in LineEditor.completions(of: text, at: start) }
  }

  /// Otherwise libedit takes bytes for characters, or drops what is not ASCII. glibc has C.UTF-8 built in.
  private static func useUTF8() {
    setlocale(LC_CTYPE, "")
    guard let name = nl_langinfo(Int32(CODESET)), strcmp(name, "UTF-8") != 0 else { return }
    setlocale(LC_CTYPE, "C.UTF-8")
  }

  /// The next line.
  func read() -> InputLine {
    Self.received.withLock { $0 = nil }
    rl_callback_handler_install(prompt) { LineEditor.receive($0) }
    defer { rl_callback_handler_remove() }
    while true {
      do {
        _ = try Readiness.wait(for: STDIN_FILENO, until: nil)
      } catch {
        print("")
        return error == .interrupted ? .interrupted : .end
      }
      rl_callback_read_char()
      if let line = Self.received.withLock({ $0 }) { return line }
      // After a hang-up the terminal stays readable without giving anything.
      if isatty(STDIN_FILENO) == 0 { return .end }
    }
  }

  /// Adds lines to the history, oldest first.
  func remember(_ lines: [String]) {
    for line in lines { add_history(line) }
  }

  // MARK: Callbacks

  private static func receive(_ text: UnsafeMutablePointer<CChar>?) {
    let line = text.map { InputLine.text(String(cString: $0)) } ?? .end
    free(text)
    received.withLock { $0 = line }
  }

  private static func completions(of text: UnsafePointer<CChar>?, at start: Int32)
    -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
  {
    editline_completion_is_over()
    // libedit reports the line correctly only while it fits into its initial buffer.
    guard let text, (0..<maxCompletedLength).contains(start), let line = editline_line() else { return nil }
    let replaced = String(cString: text)
    let before = String(String.UnicodeScalarView(String(cString: line).unicodeScalars.prefix(Int(start))))
    let found = complete(before + replaced, replaced)
    guard !found.texts.isEmpty else { return nil }
    editline_append_after_completion(found.isWord ? 0x20 : 0)
    // The common prefix, then each candidate. libedit frees the list and its strings.
    let entries = [found.common] + found.texts
    let list = calloc(entries.count + 1, MemoryLayout<UnsafeMutablePointer<CChar>?>.stride)
    guard let list = list?.assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self) else { return nil }
    for (index, entry) in entries.enumerated() { list[index] = strdup(entry) }
    return list
  }
}
