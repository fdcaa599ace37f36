// SPDX-License-Identifier: Apache-2.0

/// The name under which a document is shared: `collection/name`, such as `rfc/793` or `data/cats/0001.jpg`.
///
/// Collection: `[a-z0-9-]{1,32}`. Name: 1–512 bytes of UTF-8 in NFC, `/`-separated segments, none of them empty, `.`
/// or `..`, without control characters or bidirectional controls. In the collection `rfc` the name is a number in canonical
/// decimal.
package struct DocumentKey: Hashable, Sendable {
  package static let maximumCollectionLength = 32
  package static let maximumNameLength = 512
  /// The collection whose names are RFC numbers.
  package static let rfcCollection = "rfc"
  /// The default collection of files.
  package static let fileCollection = "file"

  package let text: String

  private init(unchecked text: String) {
    self.text = text
  }

  /// A text that was that of a key before.
  package init(known text: String) {
    self.init(unchecked: text)
  }

  /// Reads a key from the wire: refuses text that is not in normal form.
  package init(_ text: String) throws(InvalidValue) {
    try Self.check(text)
    self.init(unchecked: text)
  }

  /// Makes a key from typed text: a bare number N means `rfc/N`, leading zeros of an RFC number are dropped, and the
  /// text is normalised.
  package init(normalizing typed: String) throws(InvalidValue) {
    var text = TextRules.normalized(typed)
    if Self.isNumber(text.utf8) { text = "\(Self.rfcCollection)/\(text)" }
    let prefix = "\(Self.rfcCollection)/"
    if text.hasPrefix(prefix), Self.isNumber(text.utf8.dropFirst(prefix.utf8.count)) {
      let digits = text.dropFirst(prefix.count).drop { $0 == "0" }
      text = prefix + (digits.isEmpty ? "0" : digits)
    }
    try self.init(text)
  }

  /// The key of an RFC.
  package init(rfc number: UInt32) {
    self.init(unchecked: "\(Self.rfcCollection)/\(number)")
  }

  // Split at bytes, not at characters: a slash followed by a combining mark is one character, but still a slash.
  package var collection: Substring { Substring(text.utf8.prefix { $0 != 0x2F }) }
  /// Everything after the first slash.
  package var name: Substring { Substring(text.utf8.drop { $0 != 0x2F }.dropFirst()) }
  package var lastSegment: Substring { text.utf8.split(separator: 0x2F).last.map { Substring($0) } ?? name }
  /// The default file name of a download: the last segment, `rfcN.txt` for an RFC.
  package var suggestedFileName: String {
    collection == Self.rfcCollection ? "rfc\(name).txt" : String(lastSegment)
  }

  package static func isCollection(_ text: some StringProtocol) -> Bool {
    (1...maximumCollectionLength).contains(text.utf8.count)
      && text.utf8.allSatisfy(isCollectionByte)
  }

  /// Whether a text may be the beginning of keys: not too long, in normal form, without control characters
  /// or bidirectional controls.
  package static func isPrefix(_ text: String) -> Bool {
    text.utf8.count <= maximumCollectionLength + 1 + maximumNameLength && TextRules.isNormalized(text)
      && !text.unicodeScalars.contains { TextRules.isControl($0) || TextRules.isBidirectionalControl($0) }
  }

  private static func isCollectionByte(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D
  }

  private static func isNumber(_ text: some Collection<UInt8>) -> Bool {
    !text.isEmpty && text.allSatisfy { (0x30...0x39).contains($0) }
  }

  private static func check(_ text: String) throws(InvalidValue) {
    if text.utf8.withContiguousStorageIfAvailable(isPlain) == true { return }
    guard let slash = text.utf8.firstIndex(of: 0x2F) else {
      throw InvalidValue("a key is collection/name, such as rfc/793 or file/paper.pdf")
    }
    let collection = text[..<slash]
    let name = text[text.utf8.index(after: slash)...]
    guard isCollection(collection) else {
      throw InvalidValue("a collection is 1 to \(maximumCollectionLength) of a-z, 0-9 and -")
    }
    guard (1...maximumNameLength).contains(name.utf8.count) else {
      throw InvalidValue("a name has 1 to \(maximumNameLength) bytes")
    }
    guard !name.unicodeScalars.contains(where: TextRules.isControl) else {
      throw InvalidValue("a name must not contain control characters")
    }
    guard !name.unicodeScalars.contains(where: TextRules.isBidirectionalControl) else {
      throw InvalidValue("a name must not contain bidirectional controls")
    }
    for segment in name.utf8.split(separator: 0x2F, omittingEmptySubsequences: false) {
      guard !segment.isEmpty, !segment.elementsEqual([0x2E]), !segment.elementsEqual([0x2E, 0x2E]) else {
        throw InvalidValue("a segment of a name must not be empty, . or ..")
      }
    }
    guard TextRules.isNormalized(text) else { throw InvalidValue("a key must be in Unicode normal form C") }
    if collection == rfcCollection {
      guard isNumber(name.utf8), name == "0" || name.utf8.first != 0x30 else {
        throw InvalidValue("the name of an RFC is its number without leading zeros")
      }
    }
  }

  /// Fast path: printable ASCII whose segments do not begin with a dot is a valid key. Nearly all keys pass; the others
  /// get the full check, which can say what is wrong.
  private static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let slash = bytes.firstIndex(of: 0x2F), (1...maximumCollectionLength).contains(slash),
      bytes[..<slash].allSatisfy(isCollectionByte), (1...maximumNameLength).contains(bytes.count - slash - 1)
    else { return false }
    let name = bytes[(slash + 1)...]
    if slash == 3, bytes[0] == 0x72, bytes[1] == 0x66, bytes[2] == 0x63 {
      return name.first != 0x30 && name.allSatisfy { (0x30...0x39).contains($0) }
    }
    guard TextRules.isPlain(UnsafeBufferPointer(rebasing: name)), bytes[bytes.count - 1] != 0x2F else { return false }
    for position in slash..<bytes.count - 1 where bytes[position] == 0x2F {
      if bytes[position + 1] == 0x2E || bytes[position + 1] == 0x2F { return false }
    }
    return true
  }
}

extension DocumentKey: Comparable {
  /// By the bytes of the text: lists have the same order on every machine.
  package static func < (left: DocumentKey, right: DocumentKey) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }
}

extension DocumentKey: CustomStringConvertible {
  package var description: String { text }
}
