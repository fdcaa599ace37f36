import CEditLine
import ControlClient
import Glibc
import Synchronization

/// What comes from somebody who types.
enum TypedLine: Equatable {
  case text(String)
  /// Ctrl-C: what was typed so far is dropped.
  case interrupted
  /// Ctrl-D on an empty line, or the end of the input.
  case end
}

/// Reads lines on a terminal with libedit: editing, history, completion of words.
///
/// libedit gets one character at a time, after a wait that Ctrl-C can end; it never waits by itself.
struct LineEditor {
  /// The callbacks of C know no context, and there is one terminal.
  private static let received = Mutex<TypedLine?>(nil)
  private static let vocabulary = Mutex<[String]>([])
  private static let matches = Mutex<[String]>([])

  private let prompt: String

  /// - Parameter words: what completes the first word of a line; others are completed as file names.
  init(prompt: String, words: [String]) {
    self.prompt = prompt
    // Without it libedit takes bytes for characters.
    setlocale(LC_CTYPE, "")
    editline_prepare("p2pctl")
    using_history()
    Self.vocabulary.withLock { $0 = words }
    editline_complete_with { text, start, _ in LineEditor.completions(of: text, at: start) }
  }

  /// The next line.
  func read() -> TypedLine {
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
      // A terminal that was hung up is readable for ever and gives nothing.
      if isatty(STDIN_FILENO) == 0 { return .end }
    }
  }

  /// Lines to go back to, the oldest first.
  func remember(_ lines: [String]) {
    for line in lines { add_history(line) }
  }

  // MARK: Callbacks

  private static func receive(_ text: UnsafeMutablePointer<CChar>?) {
    let line = text.map { TypedLine.text(String(cString: $0)) } ?? .end
    free(text)
    received.withLock { $0 = line }
  }

  private static func completions(of text: UnsafePointer<CChar>?, at start: Int32)
    -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
  {
    guard start == 0, let text else { return nil }
    let typed = String(cString: text)
    let found = vocabulary.withLock { $0.filter { $0.hasPrefix(typed) } }
    matches.withLock { $0 = found }
    editline_completion_is_over()
    // The list and its texts are libedit's from here on.
    return rl_completion_matches(text) { _, index in
      LineEditor.matches.withLock { $0.indices.contains(Int(index)) ? strdup($0[Int(index)]) : nil }
    }
  }
}
