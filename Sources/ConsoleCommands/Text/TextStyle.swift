// SPDX-License-Identifier: Apache-2.0

/// Emphasis on terminals that show it: ECMA-48 SGR. Off where output is no terminal, where it is `dumb`, and where
/// `NO_COLOR` is set.
package enum TextStyle: Sendable {
  case plain
  case ansi

  package func bold(_ text: String) -> String { emphasized(text, "1") }
  package func alarming(_ text: String) -> String { emphasized(text, "1;31") }

  private func emphasized(_ text: String, _ code: String) -> String {
    switch self {
    case .plain: text
    case .ansi: "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
  }
}
