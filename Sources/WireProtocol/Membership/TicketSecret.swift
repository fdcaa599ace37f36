// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// The 16 random bytes that let the bearer of a ticket join. No description shows them, so that no log does.
package struct TicketSecret: Hashable, Sendable {
  package static let byteCount = 16

  package let bytes: [UInt8]

  package init(using generator: inout some RandomNumberGenerator) {
    bytes = (0..<Self.byteCount).map { _ in .random(in: .min ... .max, using: &generator) }
  }

  /// Exactly 32 lower-case hex digits; `nil` for anything else.
  package init?(hex: String) {
    // A digest whose first half is the secret reads the digits.
    guard hex.utf8.count == 2 * Self.byteCount,
      let digest = Digest(hex: hex + String(repeating: "0", count: 2 * (Digest.byteCount - Self.byteCount)))
    else { return nil }
    bytes = Array(digest.bytes.prefix(Self.byteCount))
  }

  package var hex: String {
    let padding = [UInt8](repeating: 0, count: Digest.byteCount - Self.byteCount)
    return Digest(bytes: bytes + padding).map { String($0.hex.prefix(2 * Self.byteCount)) } ?? ""
  }
}

extension TicketSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "(secret)" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

extension FieldReader {
  package func ticketSecret(_ name: StaticString) throws(WireFailure) -> TicketSecret {
    guard let secret = TicketSecret(hex: try string(name)) else {
      // The message must not repeat it.
      throw .badRequest("\(name) is \(2 * TicketSecret.byteCount) lower-case hex digits")
    }
    return secret
  }
}
