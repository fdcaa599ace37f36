// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import WireProtocol

/// Where a session stands in the network of its index, and so what it may ask for.
enum NetworkPlace: Equatable {
  /// The network is open.
  case open
  /// The network is closed, and the connection proves no id. To nothing else.
  case plain
  /// The peer does not belong. To `member` when it joins.
  case stranger(PeerID)
  /// To another role, or to the end of the session.
  case member(PeerID, MemberRole)

  /// Whether it may do hardly anything: checked first, because nearly all sessions may.
  var isOutside: Bool {
    switch self {
    case .open, .member: false
    case .plain, .stranger: true
    }
  }

  /// The peer, if it is proven in a closed network.
  var peer: PeerID? {
    switch self {
    case .open, .plain: nil
    case .stranger(let peer), .member(let peer, _): peer
    }
  }

  /// What a session outside is told; `nil` if it may do this.
  func refusal(of operation: IndexOperation) -> WireFailure? {
    switch (self, operation) {
    case (.open, _), (.member, _), (_, .ping), (_, .hello), (.stranger, .join): nil
    case (.plain, _): .unprovenInClosedNetwork
    case (.stranger, _): .notMember
    }
  }
}
