// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// A peer that offers a content, as an index reports it.
package struct HolderRow: Hashable, Sendable {
  package let peer: PeerID
  package let name: PeerName
  package let host: String
  package let port: UInt16
  /// Whether it has the whole content.
  package let complete: Bool

  package init(peer: PeerID, name: PeerName, host: String, port: UInt16, complete: Bool) {
    self.peer = peer
    self.name = name
    self.host = host
    self.port = port
    self.complete = complete
  }

  /// More than any address needs; that it is one is found out by whoever connects to it.
  private static let longestHost = 64

  init(_ object: JSONObject) throws(WireFailure) {
    let host = try object.string("host")
    guard host.utf8.count <= Self.longestHost else { throw .badRequest("host is an address") }
    self.init(
      peer: try object.peerID("peer"), name: try object.peerName(), host: host,
      port: UInt16(try object.integer("port", in: 1...65_535)), complete: try object.bool("complete"))
  }

  package func write(to output: inout JSONWriter) {
    output.beginObject()
    output.member("peer", peer)
    output.member("name", name.text)
    output.member("host", host)
    output.member("port", port)
    output.member("complete", complete)
    output.endObject()
  }
}
