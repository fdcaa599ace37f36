// SPDX-License-Identifier: Apache-2.0

/// Makes a document harmless for a terminal, which it must not drive: control characters other than tabs and line ends
/// become `?`.
package struct TerminalDocument {
  /// The beginning of a document that decides whether it is text.
  private static let probe = 4_096
  /// Of the UTF-8 of U+0080 to U+00BF, of which the first half are controls.
  private static let lead: UInt8 = 0xC2

  /// Whether the last part ended in the middle of such a character.
  private var endsInLead = false

  package init() {}

  /// Whether a document that begins so can be shown: UTF-8 without NUL.
  package static func isText(_ beginning: [UInt8]) -> Bool {
    let beginning = beginning.prefix(probe)
    guard !beginning.contains(0) else { return false }
    // The last character may be incomplete.
    return (0..<min(4, max(beginning.count, 1))).contains {
      String(validating: beginning.dropLast($0), as: UTF8.self) != nil
    }
  }

  /// The next part, as it can be shown.
  package mutating func shown(_ bytes: [UInt8]) -> [UInt8] {
    var shown = [UInt8]()
    shown.reserveCapacity(bytes.count)
    for byte in bytes {
      if endsInLead {
        endsInLead = false
        shown += (0x80...0x9F).contains(byte) ? [0x3F] : [Self.lead, byte]
      } else if byte == Self.lead {
        endsInLead = true
      } else {
        shown.append(Self.isHarmless(byte) ? byte : 0x3F)
      }
    }
    return shown
  }

  private static func isHarmless(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != 0x7F || [0x09, 0x0A, 0x0C, 0x0D].contains(byte)
  }
}

/// A terminal, which is no place for anything but text.
final class TerminalSink: DocumentSink {
  private let console: Console
  private var document = TerminalDocument()
  private var isText = false

  init(_ console: Console) {
    self.console = console
  }

  var isClosed: Bool { false }

  func write(document bytes: [UInt8]) throws {
    if !isText {
      guard TerminalDocument.isText(bytes) else {
        throw CommandFailure(
          .cannotCreate, "the document is not text, which a terminal cannot show",
          ["Write it to a file with -o PATH, or into a program: p2pctl get KEY -o - | PROGRAM"])
      }
      isText = true
    }
    try console.write(document: document.shown(bytes))
  }
}
