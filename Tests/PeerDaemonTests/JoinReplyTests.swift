// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NIOCore
import PeerDaemon
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// An index that takes a ticket and then does not do as it says.
@Suite struct JoinReplyTests {
  @Test(arguments: [true, false]) func `join fails if the index does not make the peer a member`(
    statesOtherKey: Bool
  ) async throws {
    try await DaemonFixture.with { fixture in
      let identity = try PeerIdentity.loadOrCreate(at: fixture.directory.file("index.pem"))
      let other = try PeerIdentity.loadOrCreate(at: fixture.directory.file("other.pem"))
      let key = statesOtherKey ? other.publicKey : identity.publicKey
      try await ScriptedIndex.with(identity: identity, statedKey: key) { index in
        var generator = SystemRandomNumberGenerator()
        let ticket = Ticket(
          addresses: [index.endpoint], index: identity.id, secret: TicketSecret(using: &generator),
          role: .publisher, expires: Timestamp(seconds: 4_000_000_000))
        try await fixture.withPeer(acknowledgement: .seconds(2)) { alice in
          let answer = try await alice.ask(.join(JoinNetwork(ticket, sharesExisting: true)))
          let reason = statesOtherKey ? "states a key that is not its own" : "does not treat this peer as a member"
          #expect(answer.failure?.message.contains(reason) == true, "\(answer.outcome)")
        }
      }
    }
  }
}
