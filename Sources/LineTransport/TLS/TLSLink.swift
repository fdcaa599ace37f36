// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import NIOCore
import NIOSSL

/// The TLS of one connection as its `LineHandler` sees it: the handler between the socket and that of NIOSSL. It watches the
/// handshake, and can close the socket without a farewell, for which NIOSSL would wait.
protocol TLSLink: ChannelInboundHandler {
  /// The id that the other side has proven; `nil` until then.
  var provenPeer: PeerID? { get }
  /// Maximum bytes of one write. NIOSSL keeps the largest buffer that it has needed for as long as the connection lives.
  var writeLimit: Int { get }
  /// The handshake is over.
  /// - Returns: whether the other side has proven an id.
  func completed() -> Bool
  /// The connection has failed.
  func failed(_ error: any Error)
  /// Closes the socket immediately.
  func abort()
}

extension NIOSSLHandler {
  var provenPeer: PeerID? { peerCertificate.flatMap(TransportIdentity.provenID) }
}

/// What a server offers on its connections besides plain lines, and which plain connections it takes.
package struct TLSOffer: Sendable {
  package var identity: TransportIdentity
  package var plain: PlainConnections
  package var handshakes = HandshakeLimits()
  /// Maximum bytes of a write and of a step of reading; they bound the memory that a silent connection keeps.
  package var chunk = TLSChunk.small

  package init(_ identity: TransportIdentity, plain: PlainConnections) {
    self.identity = identity
    self.plain = plain
  }
}

package enum TLSChunk {
  /// A record that fills NIOSSL's first buffer of 16 KiB, with the 22 bytes that TLS 1.3 adds.
  package static let small = 16 * 1024 - 22
  /// For connections that carry much and do not last.
  package static let large = 256 * 1024
}

extension PlainConnections {
  /// - Parameter address: of the client; `nil` for a Unix socket.
  package func admits(_ address: SocketAddress?) -> Bool {
    switch self {
    case .loopback: address?.isLoopback ?? true
    case .always: true
    case .never: false
    }
  }
}

/// Decides by the first byte what a connection to a server speaks. One per server.
final class TLSAcceptor: Sendable {
  /// The first byte of a TLS handshake record: RFC 8446 section 5.1.
  static let handshakeByte: UInt8 = 0x16

  private let offer: TLSOffer
  private let gate: HandshakeGate

  init(_ offer: TLSOffer) {
    self.offer = offer
    gate = HandshakeGate(offer.handshakes)
  }

  func admitsPlain(_ address: SocketAddress?) -> Bool { offer.plain.admits(address) }

  /// Puts TLS before the handler.
  func accept(before handler: any ChannelHandler, in channel: any Channel, turns: LoopTurns) throws -> ServerTLSLink {
    let ssl = offer.identity.serverHandler()
    let link = ServerTLSLink(ssl, gate: gate, offer.handshakes, chunk: offer.chunk, turns: turns)
    try channel.pipeline.syncOperations.addHandlers([link, ssl], position: .before(handler))
    return link
  }
}
