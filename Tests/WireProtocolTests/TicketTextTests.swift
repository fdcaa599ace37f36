// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Testing
import WireProtocol

/// Tickets in texts as people paste them.
@Suite struct TicketTextTests {
  private static let ticket: Ticket? = {
    guard let index = PeerID(hex: String(repeating: "ab", count: 32)),
      let secret = TicketSecret(hex: "00112233445566778899aabbccddeeff")
    else { return nil }
    return Ticket(
      addresses: [Endpoint(host: "192.0.2.7", port: 7734), Endpoint(host: "2001:db8::1", port: 7734)], index: index,
      secret: secret, role: .reader, expires: Timestamp(seconds: 1_800_000_000))
  }()
  private static let line = ticket?.text ?? ""

  /// In lines of 76 characters.
  private static func wrapped(_ separator: String) -> String {
    let digits = Array(line)
    return stride(from: 0, to: digits.count, by: 76).map { String(digits[$0..<min($0 + 76, digits.count)]) }
      .joined(separator: separator)
  }

  @Test(arguments: [
    line, " \t\(line)\r\n", "> \(line)", "<\(line)>", "\"\(line)\"", "'\(line)'", "p2pctl join \(line)", "join \(line)",
    "\(line).", "\u{FEFF}\(line)", "\u{200B}\(line)\u{200B}", "`\(line)`,", wrapped("\n"), wrapped("\r\n"),
    wrapped(" "),
    wrapped("\n> "), wrapped("\n>> "), wrapped("=\r\n"), wrapped("\u{200B}"), wrapped("\n\n"),
    "Hello Bob,\n\nhere is your ticket, the line that begins with p2p-join: itself:\n\n\(wrapped("\n"))\n\nYours, Alice\n-- \nx",
    "p2p-join:broken \(line)", "\(line)\n\(line)", "p2p-join:eyJ \(line)",
  ])
  func `ticket is found`(text: String) throws {
    #expect(try TicketText(text).ticket() == Self.ticket && TicketText(text).text == Self.line)
  }

  @Test func `later members with objects in them do not end it`() throws {
    let json =
      #"{"more":{"a":["}\"}"]},"addresses":["h:1"],"index":"\#(String(repeating: "ab", count: 32))","#
      + #""secret":"\#(String(repeating: "0", count: 32))","role":"admin","expires":"2026-03-01T12:00:00Z"}"#
    #expect(try TicketText(Ticket.prefix + Base64URL.encode(json.utf8) + "\nAlice").ticket().role == .admin)
  }

  @Test func `every part of a ticket is incomplete, and what cannot become one is not`() {
    for count in Ticket.prefix.count..<Self.line.count {
      let part = String(Self.line.prefix(count))
      #expect(TicketText("- \(part)") == .incomplete(part), "\(count)")
    }
    #expect(TicketText("") == .none && TicketText("index.example.org:7734") == .none)
    #expect(TicketText(String(Self.line.dropFirst(20))) == .none)
    for text in [
      "p2p-join:nonsense", "p2p-join:e30", "p2p-join:eyJhIjoxCg", String(repeating: "p2p-join:", count: 9_999),
    ] {
      guard case .invalid = TicketText("p2p-join:bad " + text) else {
        Issue.record("\(text.prefix(30))")
        continue
      }
    }
    let endless = Ticket.prefix + Base64URL.encode((#"{""# + String(repeating: "a", count: 99_999)).utf8)
    #expect(throws: InvalidValue.self) { try TicketText(endless).ticket() }
  }

  @Test func `only the beginning of a long text is read`() {
    #expect(TicketText(String(repeating: " ", count: TicketText.maxLength) + Self.line) == .none)
  }

  @Test(arguments: [
    ("eyJhZGRyZXNzZXMiOlsi", true), ("NjA3NzEtOC1fXw_-", true), ("list", false), ("connnect", false),
    ("192.0.2.17:7734-1234567", false), ("file/x-y", false), ("", false),
  ])
  func `pieces are long words of its alphabet`(word: String, isPiece: Bool) {
    #expect(TicketText.mayBePiece(word) == isPiece)
  }
}
