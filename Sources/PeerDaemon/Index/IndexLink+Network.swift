// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import WireProtocol

/// How this peer stands in the network of its index.
extension IndexLink {
  /// Whether the network is closed and this peer does not belong to it: nothing is announced then.
  var isOutside: Bool { greeting?.standing.map { $0.role == nil } ?? false }

  /// What its user should know.
  var outsideError: String? { isOutside ? WireFailure.notMember.message : nil }

  /// The index has stated how this peer stands.
  func learn(_ standing: MemberStanding?) throws(WireFailure) {
    do throws(InvalidValue) {
      try passes.greeted(standing, by: connection?.provenPeer)
    } catch {
      throw WireFailure(.unavailable, "malformed reply from the index at \(address): \(error.reason)")
    }
  }

  /// The reply to a ping, which brings the next pass.
  func heard(_ reply: Result<JSONObject, WireFailure>) {
    // A failure of the whole session has its own consequences.
    guard let reply = try? reply.get(), let ping = try? PingReply(reply) else { return }
    passes.heard(ping.standing)
    guard machine.isConnected, let role = ping.standing?.role, role != greeting?.standing?.role else { return }
    // It has become a member meanwhile: everything begins again.
    if isOutside { return lose(retryAfter: nil) }
    greeting?.standing = ping.standing
    announceAgain()
  }

  /// The index ends the session: the membership of this peer has ended, for example.
  func ended(_ failure: WireFailure) {
    lastError = failure.message
    logOnce("index ended the session", failure.message)
    lose(retryAfter: failure.retryAfter)
  }

  /// Becomes a member of the network of the index, which has to prove this id.
  /// - Returns: the role that this peer has then. A connection as a member is there.
  func join(_ index: PeerID, with secret: TicketSecret) async throws(WireFailure) -> MemberRole {
    try await requireConnection(hastily: true)
    guard connection?.provenPeer == index else {
      throw WireFailure(.forbidden, "the index at \(address) has not proven its id, and does not get the ticket")
    }
    let generation = generation
    let reply = try await exchange(.membership(.join(secret)), within: timeout.answer) { reply throws(WireFailure) in
      try JoinReply(reply)
    }
    guard let role = reply.standing.role, generation == self.generation else {
      throw WireFailure(.unavailable, "connection to the index lost: try again with the same ticket")
    }
    guard isOutside else {
      try learn(reply.standing)
      greeting?.standing = reply.standing
      announceAgain()
      return role
    }
    // What was refused or left out so far begins again as a member.
    lose(retryAfter: nil)
    try await requireConnection()
    return role
  }
}

extension IndexLink.Status {
  /// How this peer stands in a closed network, for people and programs; `nil` in an open one.
  var role: String? { standing.map { $0.role?.rawValue ?? MemberStanding.noRole } }
}
