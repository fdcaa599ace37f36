// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// `join`: uses the index of a ticket from now on, and becomes a member of its network.
package struct JoinNetwork: WireMessage {
  package let ticket: Ticket
  /// Whether what was shared before is announced to the new network, too.
  package let sharesExisting: Bool

  package init(_ ticket: Ticket, sharesExisting: Bool) {
    self.ticket = ticket
    self.sharesExisting = sharesExisting
  }

  /// - Throws: `usage` for a ticket that cannot be read, because it is not the fault of the program that sent it.
  package init(_ fields: some FieldReader) throws(WireFailure) {
    let text = try fields.string("ticket")
    do throws(InvalidValue) {
      ticket = try Ticket(text)
    } catch {
      throw WireFailure(.usage, error.reason)
    }
    sharesExisting = try fields.optionalBool("share_existing") ?? false
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("ticket", ticket.text)
    if sharesExisting { fields.member("share_existing", true) }
  }
}

/// The reply to `join`.
package struct ControlJoinReply: WireReply {
  /// The address of the ticket that answered.
  package let address: Endpoint
  /// The id of the index.
  package let index: PeerID
  package let role: MemberRole
  /// Documents that were shared before and are not announced to the new network.
  package let withheld: Int

  package init(address: Endpoint, index: PeerID, role: MemberRole, withheld: Int) {
    self.address = address
    self.index = index
    self.role = role
    self.withheld = withheld
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    address = try fields.endpoint("address")
    index = try fields.peerID("index")
    role = try fields.word("role")
    withheld = try fields.optionalCount("withheld") ?? 0
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("address", address.description)
    fields.member("index", index)
    fields.member("role", role.rawValue)
    if withheld > 0 { fields.member("withheld", withheld) }
  }
}
