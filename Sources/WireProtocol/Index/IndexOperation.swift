// SPDX-License-Identifier: Apache-2.0

import LineJSON

/// The operations that an index answers.
package enum IndexOperation: String, CaseIterable, Sendable {
  case hello, add, remove, lookup, list, peers, stats, ping

  /// As `init(rawValue:)`, without making a string of it; those that come most often are looked for first.
  init?(_ name: JSONValueView) {
    if name.isEqual(to: "lookup") {
      self = .lookup
    } else if name.isEqual(to: "ping") {
      self = .ping
    } else if name.isEqual(to: "add") {
      self = .add
    } else if let operation = name.string.flatMap(Self.init(rawValue:)) {
      self = operation
    } else {
      return nil
    }
  }
}
