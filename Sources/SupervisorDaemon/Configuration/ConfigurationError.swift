// SPDX-License-Identifier: Apache-2.0

/// What is wrong with the configuration: where, and which rule it breaks.
package struct ConfigurationError: Error, Equatable {
  /// The setting, such as `peers.alice.listen`; empty where the text is no TOML.
  package let path: String
  /// Counted from 1; `nil` where the place is not known.
  package let line: Int?
  package let reason: String

  package init(path: String, line: Int?, reason: String) {
    self.path = path
    self.line = line
    self.reason = reason
  }
}

extension ConfigurationError: CustomStringConvertible {
  /// `line 7: peers.alice.listen: an address is HOST:PORT …`
  package var description: String {
    [line.map { "line \($0)" }, path.isEmpty ? nil : path, reason].compactMap { $0 }.joined(separator: ": ")
  }
}
