// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The first complete ticket in a text that was pasted: a line alone, broken into several, quoted, or inside a mail.
///
/// A ticket is a JSON object, which says by itself where it ends. So everything that is not of its alphabet is left out: line
/// breaks, quote marks, spaces, marks without width; and what follows the end does not matter.
package enum TicketText: Equatable, Sendable {
  /// Nothing in it begins like a ticket.
  case none
  /// The end of a ticket is missing: what there is of it.
  case incomplete(String)
  case invalid(InvalidValue)
  case complete(Ticket)

  /// Of a text in bytes; what follows is not read.
  package static let maxLength = 65_536
  private static let maxBeginnings = 16

  package init(_ text: String) {
    let digits = text.utf8.prefix(Self.maxLength).filter { Self.isDigit($0) || $0 == UInt8(ascii: ":") }
    var rest = digits[...]
    self = .none
    for _ in 0..<Self.maxBeginnings {
      guard let beginning = rest.firstRange(of: Array(Ticket.prefix.utf8)) else { return }
      rest = rest[beginning.upperBound...]
      self = Self(payload: rest.prefix(Ticket.maxLength).prefix { $0 != UInt8(ascii: ":") })
      if case .complete = self { return }
    }
  }

  /// - Parameter digits: base64url, with anything behind its end.
  private init(payload digits: ArraySlice<UInt8>) {
    let padding = [UInt8](repeating: UInt8(ascii: "A"), count: (4 - digits.count % 4) % 4)
    let json = (Base64URL.decode(digits + padding) ?? []).prefix(digits.count * 6 / 8)
    // The text of an object: with anything else, nothing that follows makes it one.
    guard json.first.map({ $0 == UInt8(ascii: "{") }) ?? true else {
      self = .invalid(Self.damaged)
      return
    }
    var (depth, isQuoted, isEscaped) = (0, false, false)
    for (position, byte) in json.enumerated() {
      guard byte >= 0x20 else {
        self = .invalid(Self.damaged)
        return
      }
      switch byte {
      case _ where isEscaped: isEscaped = false
      case UInt8(ascii: "\\"): isEscaped = isQuoted
      case UInt8(ascii: "\""): isQuoted.toggle()
      case UInt8(ascii: "{") where !isQuoted: depth += 1
      case UInt8(ascii: "}") where !isQuoted: depth -= 1
      default: break
      }
      guard depth == 0 else { continue }
      let count = ((position + 1) * 8 + 5) / 6
      do throws(InvalidValue) {
        self = .complete(try Ticket(Ticket.prefix + String(decoding: digits.prefix(count), as: UTF8.self)))
      } catch {
        self = .invalid(error)
      }
      return
    }
    self =
      digits.count < Ticket.maxLength
      ? .incomplete(Ticket.prefix + String(decoding: digits, as: UTF8.self)) : .invalid(Self.damaged)
  }

  package var isComplete: Bool {
    if case .complete = self { true } else { false }
  }

  /// A ticket or the beginning of one, without what stands around it.
  package var text: String? {
    switch self {
    case .none, .invalid: nil
    case .incomplete(let part): part
    case .complete(let ticket): ticket.text
    }
  }

  /// - Throws: a reason that does not repeat what was read.
  package func ticket() throws(InvalidValue) -> Ticket {
    switch self {
    case .none: throw InvalidValue("a ticket begins with \(Ticket.prefix)")
    case .incomplete: throw Self.damaged
    case .invalid(let reason): throw reason
    case .complete(let ticket): return ticket
    }
  }

  private static let damaged = InvalidValue("the ticket is damaged or incomplete: copy the whole line")

  /// Whether a word may be a piece of a ticket that was broken into lines: no command is such a word.
  package static func mayBePiece(_ word: some StringProtocol) -> Bool {
    word.utf8.count >= minPiece && word.utf8.allSatisfy(isDigit)
  }

  /// Shorter ones tell little of a secret.
  private static let minPiece = 16

  private static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
