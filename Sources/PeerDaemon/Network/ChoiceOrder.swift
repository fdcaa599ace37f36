// SPDX-License-Identifier: Apache-2.0

/// Which of several requests to use another index counts: the one that has begun last.
///
/// A `join` takes seconds, and its front end may have gone: what is asked for later must not be undone by it. Changed
/// settings are no request: they count only where nothing was chosen.
package struct ChoiceOrder: Sendable {
  package struct Turn: Equatable, Sendable {
    fileprivate let number: Int
  }

  private var last = 0

  package init() {}

  /// A request begins; earlier ones count no more.
  package mutating func begin() -> Turn {
    last += 1
    return Turn(number: last)
  }

  package func counts(_ turn: Turn) -> Bool { turn.number == last }
}
