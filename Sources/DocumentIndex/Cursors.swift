// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Where a page of a list ended. It refers to nothing in the index, so it stays valid when the index changes or restarts.
package enum ListPosition: Hashable, Sendable {
  /// Behind a document.
  case document(DocumentID)
  /// Behind all documents whose keys begin so.
  case level(String)

  /// Reads what `cursor` wrote.
  package init(cursor text: String) throws(InvalidValue) {
    guard let level = Self.level(cursor: text) else {
      self = .document(try DocumentID(cursor: text))
      return
    }
    self = .level(level)
  }

  package var cursor: String {
    switch self {
    case .document(let id): id.cursor
    case .level(let prefix): Base64URL.encode(Self.levelMark + Array(prefix.utf8))
    }
  }

  /// In the place of a content, before a text that ends in `/` as no key does.
  private static let levelMark = [UInt8](repeating: 0, count: Digest.byteCount + 8)

  private static func level(cursor text: String) -> String? {
    guard let bytes = Base64URL.decode(text), bytes.starts(with: levelMark), bytes.last == UInt8(ascii: "/"),
      let prefix = String(validating: bytes.dropFirst(levelMark.count), as: UTF8.self), DocumentKey.isPrefix(prefix)
    else { return nil }
    return prefix
  }
}

extension DocumentID {
  /// Reads what `cursor` wrote.
  package init(cursor text: String) throws(InvalidValue) {
    guard let bytes = Base64URL.decode(text), let digest = Digest(bytes: bytes.prefix(Digest.byteCount)),
      let size = Int64(bigEndianBytes: bytes.dropFirst(Digest.byteCount).prefix(8)),
      let content = Content(root: digest, size: size),
      let key = String(validating: bytes.dropFirst(Digest.byteCount + 8), as: UTF8.self)
    else { throw InvalidValue("not a cursor: pass the `next` of the page before") }
    self.init(key: try DocumentKey(key), content: content)
  }

  /// Base64url (RFC 4648 section 5) of root, size in eight bytes and key.
  package var cursor: String {
    Base64URL.encode(content.root.bytes + content.size.bigEndianBytes + Array(key.text.utf8))
  }
}

extension HolderID {
  /// Reads what `cursor` wrote.
  package init(cursor text: String) throws(InvalidValue) {
    guard let bytes = Base64URL.decode(text), let digest = Digest(bytes: bytes.prefix(Digest.byteCount)),
      let port = Int64(bigEndianBytes: bytes.dropFirst(Digest.byteCount).prefix(8)).flatMap(UInt16.init(exactly:)),
      let host = String(validating: bytes.dropFirst(Digest.byteCount + 8), as: UTF8.self)
    else { throw InvalidValue("not a cursor: pass the `next` of the page before") }
    self.init(peer: PeerID(digest: digest), host: host, port: port)
  }

  /// Base64url (RFC 4648 section 5) of peer id, port in eight bytes and host.
  package var cursor: String {
    Base64URL.encode(peer.digest.bytes + Int64(port).bigEndianBytes + Array(host.utf8))
  }
}

extension Int64 {
  fileprivate var bigEndianBytes: [UInt8] {
    withUnsafeBytes(of: bigEndian) { Array($0) }
  }

  /// Exactly eight bytes.
  fileprivate init?(bigEndianBytes bytes: ArraySlice<UInt8>) {
    guard bytes.count == 8 else { return nil }
    self = bytes.reduce(0) { $0 << 8 | Int64($1) }
  }
}

/// Base64 with the alphabet that is safe in URLs and without padding: RFC 4648 section 5.
enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var text = [UInt8]()
    text.reserveCapacity((bytes.count * 4 + 2) / 3)
    var (bits, bitCount): (UInt32, UInt32) = (0, 0)
    for byte in bytes {
      bits = (bits & 0x3F) << 8 | UInt32(byte)
      bitCount += 8
      while bitCount >= 6 {
        bitCount -= 6
        text.append(alphabet[Int(bits >> bitCount & 0x3F)])
      }
    }
    if bitCount > 0 { text.append(alphabet[Int(bits << (6 - bitCount) & 0x3F)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// `nil` for other characters, an impossible length, or spare bits that are not zero: each value has exactly one text.
  static func decode(_ text: String) -> [UInt8]? {
    var bytes = [UInt8]()
    var (bits, bitCount): (UInt32, UInt32) = (0, 0)
    for digit in text.utf8 {
      guard let value = value(of: digit) else { return nil }
      bits = bits << 6 & 0x3FFF | value
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> bitCount))
      }
    }
    guard bitCount < 6, bits & ((1 << bitCount) - 1) == 0 else { return nil }
    return bytes
  }

  private static func value(of digit: UInt8) -> UInt32? {
    switch digit {
    case 0x41...0x5A: UInt32(digit) - 0x41
    case 0x61...0x7A: UInt32(digit) - 0x61 + 26
    case 0x30...0x39: UInt32(digit) - 0x30 + 52
    case 0x2D: 62
    case 0x5F: 63
    default: nil
    }
  }
}
