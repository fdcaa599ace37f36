// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import TestSupport
import Testing
import WireProtocol

@Suite struct TicketTests {
  private static let index = String(repeating: "ab", count: 32)
  private static let secret = "00112233445566778899aabbccddeeff"

  private static func ticket(addresses: [String] = ["192.0.2.7:7734", "[2001:db8::1]:7734"]) throws -> Ticket {
    Ticket(
      addresses: try addresses.map { try Endpoint(destination: $0) }, index: try #require(PeerID(hex: index)),
      secret: try #require(TicketSecret(hex: secret)), role: .reader, expires: try Timestamp("2026-03-01T12:00:00Z"))
  }

  private static func text(_ json: String) -> String { Ticket.prefix + Base64URL.encode(json.utf8) }

  @Test func `text is base64url of the written object`() throws {
    let json =
      #"{"addresses":["192.0.2.7:7734","[2001:db8::1]:7734"],"index":"\#(Self.index)","secret":"\#(Self.secret)","#
      + #""role":"reader","expires":"2026-03-01T12:00:00Z"}"#
    let ticket = try Self.ticket()
    #expect(ticket.text == Self.text(json))
    #expect(try Ticket(ticket.text) == ticket)
  }

  @Test func `members of later versions are ignored`() throws {
    let json =
      #"{"colour":{"a":[1]},"addresses":["h:1"],"index":"\#(Self.index)","secret":"\#(Self.secret)","role":"admin","#
      + #""expires":"2026-03-01T12:00:00Z"}"#
    #expect(try Ticket(Self.text(json)).role == .admin)
  }

  @Test(arguments: [
    "", "p2p-join:", "p2p-join", "P2P-JOIN:e30", "p2p-join:e30", "p2p-join: e30", "p2p-join:e30=", "p2p-join:!",
    text("[]"), text("{"), text("{}"), text("null"), text("{}{}"),
    text(
      #"{"addresses":[],"index":"\#(index)","secret":"\#(secret)","role":"reader","expires":"2026-03-01T12:00:00Z"}"#),
    text(
      #"{"addresses":[1],"index":"\#(index)","secret":"\#(secret)","role":"reader","expires":"2026-03-01T12:00:00Z"}"#),
    text(
      #"{"addresses":[":7"],"index":"\#(index)","secret":"\#(secret)","role":"reader","expires":"2026-03-01T12:00:00Z"}"#
    ),
    text(
      #"{"addresses":["h:0"],"index":"\#(index)","secret":"\#(secret)","role":"reader","expires":"2026-03-01T12:00:00Z"}"#
    ),
    text(#"{"addresses":["h:1"],"index":"AB","secret":"\#(secret)","role":"reader","expires":"2026-03-01T12:00:00Z"}"#),
    text(#"{"addresses":["h:1"],"index":"\#(index)","secret":"00","role":"reader","expires":"2026-03-01T12:00:00Z"}"#),
    text(
      #"{"addresses":["h:1"],"index":"\#(index)","secret":"\#(secret)","role":"none","expires":"2026-03-01T12:00:00Z"}"#
    ),
    text(#"{"addresses":["h:1"],"index":"\#(index)","secret":"\#(secret)","role":"reader","expires":"tomorrow"}"#),
    String(repeating: "p2p-join:", count: 1000),
  ])
  func `other text is refused without repeating it`(text: String) throws {
    let failure = try #require(throws: InvalidValue.self) { try Ticket(text) }
    #expect(!failure.reason.contains(Self.secret))
    #expect(failure.reason.utf8.count < 300)
  }

  @Test func `a ticket has 16 addresses at most, and fits its line`() throws {
    let longest = String(repeating: "h", count: 200) + ":65535"
    let addresses = [Endpoint](repeating: try Endpoint(destination: longest), count: 20)
    let ticket = Ticket(
      addresses: addresses, index: try #require(PeerID(hex: Self.index)),
      secret: try #require(TicketSecret(hex: Self.secret)), role: .publisher, expires: Timestamp(seconds: 0))
    #expect(ticket.addresses.count == 16)
    let many = try Self.ticket(addresses: (1...17).map { "h:\($0)" })
    #expect(many.addresses.count == 16)
    #expect(throws: InvalidValue.self) { try Ticket(ticket.text + "A") }
  }

  @Test func `no description shows the secret`() throws {
    let ticket = try Self.ticket()
    var dumped = ""
    dump(ticket, to: &dumped)
    for text in ["\(ticket)", String(reflecting: ticket.secret), "\(ticket.secret)", dumped, "\([ticket.secret])"] {
      #expect(!text.contains(Self.secret))
      #expect(!text.contains("17, 34, 51"), "the bytes in decimal")
    }
  }

  @Test func `secrets are random, and read back`() throws {
    var random = SeededGenerator(seed: 7)
    let secrets = Set((0..<100).map { _ in TicketSecret(using: &random) })
    #expect(secrets.count == 100)
    for secret in secrets { #expect(TicketSecret(hex: secret.hex) == secret) }
    for text in ["", Self.secret.uppercased(), Self.secret + "00", String(Self.secret.dropLast()), " " + Self.secret] {
      #expect(TicketSecret(hex: text) == nil)
    }
  }

  /// Whatever bytes are changed: the text is refused, or is another ticket that reads back.
  @Test func `damaged tickets never crash, and never equal the original`() throws {
    var random = SeededGenerator(seed: 41)
    let ticket = try Self.ticket()
    let original = Array(ticket.text.utf8)
    for _ in 0..<5000 {
      var bytes = original
      for _ in 0...Int.random(in: 0..<3, using: &random) {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...127, using: &random)
        case 1: bytes.remove(at: Int.random(in: bytes.indices, using: &random))
        default: bytes.insert(.random(in: 33...126, using: &random), at: Int.random(in: bytes.indices, using: &random))
        }
      }
      guard bytes != original, let read = try? Ticket(String(decoding: bytes, as: UTF8.self)) else { continue }
      #expect(try Ticket(read.text) == read)
    }
  }
}
