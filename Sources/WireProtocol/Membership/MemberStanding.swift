// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// How the peer of a session stands in a closed network: part of the replies to `hello`, `ping` and `join`.
package struct MemberStanding: WireMessage, Hashable {
  /// `nil` for a peer that does not belong, which may only `join` and `ping`.
  package let role: MemberRole?
  /// The clock of the index, which decides when passes end.
  package let time: Timestamp?
  package let pass: SignedPass?
  /// The DER SubjectPublicKeyInfo of the index, which checks passes; not in the reply to `ping`.
  package let key: [UInt8]?

  package init(role: MemberRole?, time: Timestamp? = nil, pass: SignedPass? = nil, key: [UInt8]? = nil) {
    self.role = role
    self.time = time
    self.pass = pass
    self.key = key
  }

  /// Of a peer that does not belong.
  package static let stranger = MemberStanding(role: nil)

  /// Instead of a role.
  package static let noRole = "none"
  /// Of a P-256 key in bytes; a longer one would be of no use.
  private static let maxKeyLength = 256

  package init(_ fields: some FieldReader) throws(WireFailure) {
    role = try fields.string("role") == Self.noRole ? nil : fields.word("role")
    time = try fields.value("time") == nil ? nil : fields.timestamp("time")
    pass = try fields.optionalPass("pass")
    guard let text = try fields.optionalString("key") else {
      key = nil
      return
    }
    guard text.utf8.count <= Self.maxKeyLength, let bytes = Base64URL.decode(text.utf8) else {
      throw .badRequest("key is the base64url of a key")
    }
    key = bytes
  }

  /// Of a reply that may have none, in an open network.
  package init?(ifStated fields: some FieldReader) throws(WireFailure) {
    guard fields.value("role") != nil else { return nil }
    try self.init(fields)
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("role", role?.rawValue ?? Self.noRole)
    if let time { fields.member("time", time) }
    if let pass { fields.member("pass", pass.text) }
    if let key { fields.member("key", Base64URL.encode(key)) }
  }
}

extension WireFailure {
  /// To every request of a peer that does not belong, but `join` and `ping`.
  package static let notMember = WireFailure(
    .forbidden,
    "this network is closed, and this peer is no member: ask an admin for a ticket, then type p2pctl join TICKET")
}

/// The reply to `join`.
package struct JoinReply: WireReply {
  package let standing: MemberStanding

  package init(_ standing: MemberStanding) {
    self.standing = standing
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    standing = try MemberStanding(fields)
  }

  package func write(to fields: inout some FieldWriter) {
    standing.write(to: &fields)
  }
}

/// The reply to `ping`.
package struct PingReply: WireReply {
  /// Of a session in a closed network.
  package let standing: MemberStanding?

  package init(_ standing: MemberStanding?) {
    self.standing = standing
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    standing = try MemberStanding(ifStated: fields)
  }

  package func write(to fields: inout some FieldWriter) {
    standing?.write(to: &fields)
  }
}

/// The reply to `add`.
package struct AddReply: WireReply {
  /// New records.
  package let added: Int
  /// Positions in the batch of documents that the role of the session, or a claim, does not permit; ascending.
  package let refused: [Int]

  package init(added: Int, refused: [Int] = []) {
    self.added = added
    self.refused = refused
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    added = try fields.count("added")
    refused = try fields.optionalPositions("refused")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("added", added)
    if !refused.isEmpty { fields.integers("refused", refused) }
  }
}
