// SPDX-License-Identifier: Apache-2.0

import LineJSON
import WireProtocol

/// Requests about the membership of the network, which a front end sends through its daemon to the index.
extension PeerOperations {
  func membership(_ request: MembershipRequest) async throws(WireFailure) -> any WireReply {
    switch request {
    case .join: throw WireFailure(.usage, "a daemon joins by the operation join, which takes a ticket")
    case .invite: try await ask(request, InviteReply.init)
    case .members: try await ask(request, MembersReply.init)
    case .revoke, .withdraw, .ban, .unban: try await ask(request, AffectedReply.init)
    case .bans: try await ask(request, BansReply.init)
    case .claim: try await ask(request, ClaimsReply.init)
    case .log: try await ask(request, LogReply.init)
    case .limits: try await ask(request, LimitsReply.init)
    }
  }

  private func ask<Reply: Sendable>(
    _ request: MembershipRequest, _ read: @escaping @Sendable (JSONObject) throws(WireFailure) -> Reply
  ) async throws(WireFailure) -> Reply {
    try await link.ask(.membership(request), read)
  }
}
