// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Why a change of the membership is refused.
package enum MembershipRefusal: Error, Hashable, Sendable {
  /// The role of the one who asks is not enough.
  case needs(MemberRole)
  case banned
  /// No ticket has this secret: it is another network's, was withdrawn, or is long over.
  case unknownTicket
  /// All its uses are taken.
  case usedTicket
  case expiredTicket(Timestamp)
  /// Has shown this ticket before, and belongs no more.
  case revoked
  /// More than a limit allows.
  case tooMany(String, Int)
  /// Nobody, or nothing, has this name.
  case notFound(String)
  /// Several peers have an id that begins so.
  case ambiguous([PeerID])
  /// A request that cannot be carried out as it is.
  case invalid(String)
  /// The prefix, or one above it, belongs to another.
  case claimed(prefix: String, owner: PeerID)
}

/// Who asks for a change.
package enum MembershipActor: Hashable, Sendable {
  /// The owner of the index, at its own machine.
  case `operator`
  case peer(PeerID)

  package var peer: PeerID? {
    switch self {
    case .operator: nil
    case .peer(let peer): peer
    }
  }
}
