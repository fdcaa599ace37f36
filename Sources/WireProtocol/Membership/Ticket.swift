// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import LineJSON

/// One line that lets its bearer join a closed network: `p2p-join:` and the base64url of a JSON object.
///
/// It contains a secret: ``text`` is for the one who asked for it, and for nobody's log.
package struct Ticket: Hashable, Sendable {
  package static let prefix = "p2p-join:"
  /// Of the whole line in bytes.
  package static let maxLength = 4096
  package static let maxAddresses = 16

  /// Where the index may be reached: to be tried in this order.
  package let addresses: [Endpoint]
  /// The id that the index proves; another index at one of the addresses does not get the secret.
  package let index: PeerID
  package let secret: TicketSecret
  package let role: MemberRole
  package let expires: Timestamp

  package init(addresses: [Endpoint], index: PeerID, secret: TicketSecret, role: MemberRole, expires: Timestamp) {
    self.addresses = Array(addresses.prefix(Self.maxAddresses))
    self.index = index
    self.secret = secret
    self.role = role
    self.expires = expires
  }

  package var text: String {
    var writer = JSONWriter()
    writer.beginObject()
    write(to: &writer)
    writer.endObject()
    return Self.prefix + Base64URL.encode(writer.bytes)
  }

  /// Reads a line as it was made, without white space around it.
  /// - Throws: a reason that does not repeat what was read.
  package init(_ text: String) throws(InvalidValue) {
    guard text.utf8.count <= Self.maxLength else {
      throw InvalidValue("a ticket has at most \(Self.maxLength) bytes")
    }
    guard text.utf8.starts(with: Self.prefix.utf8) else {
      throw InvalidValue("a ticket begins with \(Self.prefix)")
    }
    guard let json = Base64URL.decode(text.utf8.dropFirst(Self.prefix.utf8.count)) else {
      throw InvalidValue("the ticket is damaged or incomplete: copy the whole line")
    }
    var reader = JSONReader(maximumDepth: 4)
    do {
      self = try reader.read(json) { try Ticket($0) }
    } catch let failure as WireFailure {
      throw InvalidValue("the ticket cannot be used: \(failure.message)")
    } catch {
      throw InvalidValue("the ticket is damaged or incomplete: copy the whole line")
    }
  }
}

extension Ticket: WireMessage {
  package init(_ fields: some FieldReader) throws(WireFailure) {
    addresses = try fields.destinations("addresses")
    guard !addresses.isEmpty else { throw .badRequest("addresses is missing") }
    index = try fields.peerID("index")
    secret = try fields.ticketSecret("secret")
    role = try fields.word("role")
    expires = try fields.timestamp("expires")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.strings("addresses", addresses.map(\.description))
    fields.member("index", index)
    fields.member("secret", secret.hex)
    fields.member("role", role.rawValue)
    fields.member("expires", expires)
  }
}

extension Ticket: CustomStringConvertible {
  /// Without the secret.
  package var description: String { "ticket of the index \(index.hex.prefix(8)) as \(role.rawValue)" }
}
