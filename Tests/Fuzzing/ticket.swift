// SPDX-License-Identifier: Apache-2.0

// Modules: LineJSON DocumentModel WireProtocol

import DocumentModel
import WireProtocol

/// A ticket that is read is written as a ticket that reads the same, and no reason for a refusal is long. The input is tried
/// as the whole line, as the object in it, which mutations reach only so, and as a text with a ticket somewhere.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzTicket(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  check(String(decoding: bytes, as: UTF8.self))
  check(Ticket.prefix + Base64URL.encode(bytes))
  for text in [String(decoding: bytes, as: UTF8.self), Ticket.prefix + Base64URL.encode(bytes)] {
    guard case .complete(let ticket) = TicketText(text) else { continue }
    guard TicketText("> " + ticket.text + ".\n") == .complete(ticket) else { fatalError("the ticket changed") }
  }
  return 0
}

private func check(_ text: String) {
  do throws(InvalidValue) {
    let ticket = try Ticket(text)
    guard let again = try? Ticket(ticket.text), again == ticket else { fatalError("the ticket changed") }
    guard !"\(ticket)".contains(ticket.secret.hex) else { fatalError("the secret is shown") }
  } catch {
    guard error.reason.utf8.count < 1000 else { fatalError("the reason is long") }
  }
}
