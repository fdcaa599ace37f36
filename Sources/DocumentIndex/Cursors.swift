// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Where a page of documents ended: the next one begins after this key and content. It refers to nothing in the index,
/// so it stays good when the index changes or starts anew.
package struct ListCursor: Hashable, Sendable {
  package let key: DocumentKey
  package let content: Content

  package init(key: DocumentKey, content: Content) {
    self.key = key
    self.content = content
  }

  /// Reads what `text` wrote.
  package init(_ text: String) throws(InvalidValue) {
    guard let bytes = Base64URL.decode(text), let digest = Digest(bytes: bytes.prefix(Digest.byteCount)),
      let size = Int64(bigEndianBytes: bytes.dropFirst(Digest.byteCount).prefix(8)),
      let content = Content(root: digest, size: size),
      let key = String(validating: bytes.dropFirst(Digest.byteCount + 8), as: UTF8.self)
    else { throw InvalidValue("a cursor is what the page before ended with") }
    self.content = content
    self.key = try DocumentKey(key)
  }

  /// Base64url (RFC 4648 section 5) of root, size in eight bytes and key.
  package var text: String {
    Base64URL.encode(content.root.bytes + content.size.bigEndianBytes + Array(key.text.utf8))
  }
}

/// Where a page of peers ended: the next one begins after this peer, host and port.
package struct PeerCursor: Hashable, Sendable {
  let identity: SourceIdentity

  init(identity: SourceIdentity) {
    self.identity = identity
  }

  /// Reads what `text` wrote.
  package init(_ text: String) throws(InvalidValue) {
    guard let bytes = Base64URL.decode(text), let digest = Digest(bytes: bytes.prefix(Digest.byteCount)),
      let port = Int64(bigEndianBytes: bytes.dropFirst(Digest.byteCount).prefix(8)).flatMap(UInt16.init(exactly:)),
      let host = String(validating: bytes.dropFirst(Digest.byteCount + 8), as: UTF8.self)
    else { throw InvalidValue("a cursor is what the page before ended with") }
    self.init(identity: SourceIdentity(peer: PeerID(digest: digest), host: host, port: port))
  }

  /// Base64url (RFC 4648 section 5) of peer id, port in eight bytes and host.
  package var text: String {
    Base64URL.encode(
      identity.peer.digest.bytes + Int64(identity.port).bigEndianBytes + Array(identity.host.utf8))
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
