// SPDX-License-Identifier: Apache-2.0

/// A value from outside that breaks a rule of the model. `reason` is a sentence part that names the rule, fit to be
/// shown to a person and to go into an error reply.
package struct InvalidValue: Error, Equatable, CustomStringConvertible {
  package let reason: String

  package init(_ reason: String) {
    self.reason = reason
  }

  package var description: String { reason }
}
