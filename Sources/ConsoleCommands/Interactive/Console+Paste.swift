// SPDX-License-Identifier: Apache-2.0

import Glibc
import WireProtocol

/// Texts of several lines that are pasted at a terminal. What is left of one would go to the shell, which may keep or even
/// execute it.
extension Console {
  /// The lines of a text that was pasted arrive within this time.
  private static let pause = Duration.milliseconds(50)
  /// A terminal holds 4 KiB. After a hang-up it stays readable.
  private static let maxDrops = 256

  /// - Returns: `nil` at the end: Ctrl-D.
  func pastedLine(_ prompt: String) throws(CommandFailure) -> String? {
    switch ask(prompt) {
    case .text(let line): return line
    case .end:
      noteLine("")
      return nil
    case .interrupted:
      noteLine("")
      throw CommandFailure.silent(.interrupted)
    }
  }

  /// A text with the lines that were pasted behind it, to the end of a ticket.
  func pasted(after text: String) throws(CommandFailure) -> String {
    var text = text
    while text.utf8.count < TicketText.maxLength, !TicketText(text).isComplete, try hasMoreInput() {
      guard let line = try pastedLine("") else { break }
      text += "\n" + line
    }
    return text
  }

  /// Drops what was typed or pasted and not read.
  func dropPasted() throws(CommandFailure) {
    for _ in 0..<Self.maxDrops {
      tcflush(input, TCIFLUSH)
      guard try hasMoreInput() else { break }
    }
    // A line without its end does not make a terminal readable.
    tcflush(input, TCIFLUSH)
  }

  private func hasMoreInput() throws(CommandFailure) -> Bool {
    do throws(ControlError) {
      return try Readiness.wait(for: input, until: .now + Self.pause)
    } catch {
      guard error == .interrupted else { return false }
      throw CommandFailure.silent(.interrupted)
    }
  }
}
