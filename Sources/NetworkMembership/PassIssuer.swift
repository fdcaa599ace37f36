// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import PeerIdentity
package import WireProtocol

/// Signs passes in the name of an index.
package struct PassIssuer: Sendable {
  private let identity: PeerIdentity

  package init(_ identity: PeerIdentity) {
    self.identity = identity
  }

  /// The id of the index.
  package var network: PeerID { identity.id }
  /// The DER SubjectPublicKeyInfo that checks the passes.
  package var publicKey: [UInt8] { identity.publicKey }

  /// A pass that ends ``Pass/lifetime`` after `now`; `nil` if the system cannot sign.
  package func pass(for peer: PeerID, as role: MemberRole, at now: Timestamp) -> SignedPass? {
    let pass = Pass(
      network: network, peer: peer, role: role, expires: Timestamp(seconds: now.seconds + Pass.lifetime))
    return identity.signature(of: SignedPass.domain + pass.payload).map { SignedPass(pass, signature: $0) }
  }
}

extension Pass {
  /// In seconds.
  package static let lifetime: Int64 = 600
}
