// SPDX-License-Identifier: Apache-2.0

/// What a worker does next.
package enum Operation: String, Hashable, Sendable, CaseIterable {
  case add
  /// Its file changes while it is hashed.
  case addWhileChanging = "add, changing"
  /// A shared file changes and nobody is told.
  case change
  /// A shared file is deleted.
  case delete
  case get
  /// The front end goes away in the middle.
  case cancel = "get, cancelled"
  case lookup
  case list
  case mine = "list --mine"
  case remove
  case status
  case peers
  case transfers

  /// What people do most comes most.
  package static func next(_ random: inout SeededGenerator) -> Operation {
    random.pick([
      (.add, 18), (.addWhileChanging, 3), (.change, 8), (.delete, 2), (.get, 30), (.cancel, 4), (.lookup, 10),
      (.list, 3), (.mine, 4), (.remove, 6), (.status, 3), (.peers, 2), (.transfers, 2),
    ]) ?? .status
  }

  /// Codes that no fault excuses: the request was right, and the program that answers is not.
  package static let inexcusable: Set<String> = [
    "bad-request", "hello-required", "unknown-operation", "unsupported-protocol", "invalid-key", "usage",
    "invalid-range", "too-large", "forbidden", "ambiguous-peer", "internal", "no code",
  ]
}
