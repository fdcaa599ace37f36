// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

extension JSONWriter {
  package mutating func member(_ key: StaticString, _ digest: Digest) {
    self.key(key)
    hex { digest.appendHex(to: &$0) }
  }

  package mutating func member(_ key: StaticString, _ peer: PeerID) {
    member(key, peer.digest)
  }

  package mutating func member(_ key: StaticString, _ time: Timestamp) {
    self.key(key)
    hex { time.appendText(to: &$0) }
  }

  /// The members `content` and `size`.
  package mutating func members(of content: Content) {
    member("content", content.root)
    member("size", content.size)
  }

  /// Begins the successful reply to request `id`; close it with `endReply`.
  package mutating func beginReply(id: Int64) {
    beginObject()
    member("id", id)
    member("status", 200)
  }

  package mutating func endReply() {
    endObject()
    endLine()
  }
}
