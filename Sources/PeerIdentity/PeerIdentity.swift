// SPDX-License-Identifier: Apache-2.0

import Crypto
package import DocumentModel

/// Who this peer is: a P-256 key in a file of its own, and the id that follows from it.
package struct PeerIdentity: Sendable {
  /// SHA-256 of the public key's DER SubjectPublicKeyInfo (RFC 5480).
  package let id: PeerID

  /// Reads the key at `path` (PEM; PKCS #8 is what is written), or makes one where nothing is there yet.
  ///
  /// The new file has mode 0600 and appears under its name only when it is whole and durable; of several processes
  /// that start at once one makes the key and all use it. The directory must exist.
  /// - Throws: where the file holds no such key, is no regular file, belongs to another user or can be read by others.
  package static func loadOrCreate(at path: String) throws(IdentityError) -> PeerIdentity {
    let file = KeyFile(path: path)
    if let text = try file.read() { return try PeerIdentity(pem: text, path: path) }
    let key = P256.Signing.PrivateKey()
    if try file.create(holding: key.pemRepresentation + "\n") { return try PeerIdentity(key: key, path: path) }
    guard let text = try file.read() else {
      throw IdentityError(code: .cannotCreate, path: path, reason: "is created and removed by somebody else")
    }
    return try PeerIdentity(pem: text, path: path)
  }

  private init(pem: String, path: String) throws(IdentityError) {
    let key: P256.Signing.PrivateKey
    do {
      key = try P256.Signing.PrivateKey(pemRepresentation: pem)
    } catch {
      throw IdentityError(
        code: .notAKey, path: path,
        reason: "holds no P-256 key in PEM: put your copy of the key back, or remove the file to become a new peer")
    }
    try self.init(key: key, path: path)
  }

  private init(key: P256.Signing.PrivateKey, path: String) throws(IdentityError) {
    guard let digest = DocumentModel.Digest(bytes: SHA256.hash(data: key.publicKey.derRepresentation)) else {
      throw IdentityError(code: .notAKey, path: path, reason: "gives no id")
    }
    id = PeerID(digest: digest)
  }
}
