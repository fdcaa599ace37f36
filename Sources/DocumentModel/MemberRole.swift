// SPDX-License-Identifier: Apache-2.0

/// What a member of a closed network may do. Each role may do what those before it may.
package enum MemberRole: String, CaseIterable, Sendable {
  /// Looks up, lists, watches and gets; adds records only of documents that publishers share.
  case reader
  /// Adds documents, and claims prefixes of keys.
  case publisher
  /// Invites, revokes and bans.
  case admin
}

extension MemberRole: Comparable {
  private var rank: Int {
    switch self {
    case .reader: 0
    case .publisher: 1
    case .admin: 2
    }
  }

  package static func < (left: MemberRole, right: MemberRole) -> Bool { left.rank < right.rank }
}
