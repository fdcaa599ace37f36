// SPDX-License-Identifier: Apache-2.0

/// What comes from somebody who types.
package enum TypedLine: Equatable, Sendable {
  case text(String)
  /// Ctrl-C: what was typed so far is dropped.
  case interrupted
  /// Ctrl-D on an empty line, or the end of the input.
  case end
}
