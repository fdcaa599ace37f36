// SPDX-License-Identifier: Apache-2.0

package import TestSupport

/// An operation of a worker.
package enum Operation: String, Hashable, Sendable, CaseIterable {
  case add
  /// The file changes while it is hashed.
  case addWhileChanging = "add, changing"
  /// A shared file changes without notice.
  case change
  /// A shared file is deleted.
  case delete
  case get
  /// All documents below a prefix.
  case tree = "get, tree"
  /// The front end disconnects during the download, which goes on until it is cancelled.
  case cancel = "get, cancelled"
  case lookup
  case list
  case mine = "list --mine"
  case remove
  case status
  case peers
  case transfers
  /// The rates of the peer change.
  case limit

  /// Frequent operations are drawn more often.
  package static func next(_ random: inout SeededGenerator) -> Operation {
    random.pick(weighted: [
      (.add, 18), (.addWhileChanging, 3), (.change, 8), (.delete, 2), (.get, 30), (.cancel, 4), (.lookup, 10),
      (.list, 3), (.mine, 4), (.remove, 6), (.status, 3), (.peers, 2), (.transfers, 2), (.tree, 3),
      (.limit, 2),
    ]) ?? .status
  }

  /// Error codes that no injected fault explains.
  package static let inexcusable: Set<String> = [
    "bad-request", "hello-required", "unknown-operation", "unsupported-protocol", "invalid-key", "usage",
    "invalid-range", "too-large", "forbidden", "ambiguous-peer", "internal", "no code",
  ]
}
