// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import NIOCore
import NIOSSL
package import PeerIdentity

/// Our key as TLS needs it: what our side shows, and what it demands of the other one.
///
/// TLS 1.3 only. Both sides show a self-signed P-256 certificate and prove that they have its key. Nothing else in the
/// certificate counts: no authority, name or date is trusted; an id pins its key.
package final class TransportIdentity: Sendable {
  package let id: PeerID
  private let server: NIOSSLContext
  private let client: NIOSSLContext

  /// - Throws: if the key cannot be used; no input of others leads to this.
  package init(_ identity: PeerIdentity) throws {
    id = identity.id
    let chain = [
      NIOSSLCertificateSource.certificate(try NIOSSLCertificate(bytes: identity.certificate(), format: .der))
    ]
    let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(bytes: identity.privateKey, format: .der))
    var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
    Self.restrict(&configuration)
    server = try NIOSSLContext(configuration: configuration)
    configuration = .makeClientConfiguration()
    configuration.certificateChain = chain
    configuration.privateKey = key
    Self.restrict(&configuration)
    client = try NIOSSLContext(configuration: configuration)
  }

  private static func restrict(_ configuration: inout TLSConfiguration) {
    configuration.minimumTLSVersion = .tlsv13
    configuration.maximumTLSVersion = .tlsv13
    // With `.none` the callback would not be called, and a server would let clients without a certificate in.
    configuration.certificateVerification = .noHostnameVerification
    configuration.trustRoots = .certificates([])
    configuration.verifySignatureAlgorithms = [.ecdsaSecp256R1Sha256]
    configuration.signingSignatureAlgorithms = [.ecdsaSecp256R1Sha256]
  }

  func serverHandler() -> NIOSSLServerHandler {
    NIOSSLServerHandler(context: server) { Self.verify($0, $1) { _ in true } }
  }

  /// - Parameter accepts: called once on the event loop, with the id that the server is about to prove.
  func clientHandler(accepts: @escaping (PeerID) -> Bool) throws -> NIOSSLClientHandler {
    try NIOSSLClientHandler(context: client, serverHostname: nil) { Self.verify($0, $1, accepts) }
  }

  /// Within the handshake, which proves possession of the key afterwards.
  private static func verify(
    _ chain: [NIOSSLCertificate], _ result: EventLoopPromise<NIOSSLVerificationResult>, _ accepts: (PeerID) -> Bool
  ) {
    result.succeed(chain.first.flatMap(provenID).map(accepts) == true ? .certificateVerified : .failed)
  }

  /// - Returns: `nil` for a key that is not P-256.
  static func provenID(of certificate: NIOSSLCertificate) -> PeerID? {
    (try? certificate.toDERBytes()).flatMap { PeerID(certificate: $0) }
  }
}
