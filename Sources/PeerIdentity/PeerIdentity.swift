// SPDX-License-Identifier: Apache-2.0

import Crypto
package import DocumentModel

/// The peer's P-256 key and the id derived from it.
package struct PeerIdentity: Sendable {
  /// SHA-256 of the public key's DER SubjectPublicKeyInfo (RFC 5480).
  package let id: PeerID
  /// The DER SubjectPublicKeyInfo whose hash is the id.
  package let publicKey: [UInt8]
  let key: P256.Signing.PrivateKey

  /// Reads the key at `path` (PEM), or creates one (PKCS #8) if there is no file. The directory must exist.
  ///
  /// The new file has mode 0600 and gets its name when it is complete and durable. If several processes start at the same
  /// time, one creates the key and all use it.
  /// - Throws: if the file is not such a key or not a regular file, belongs to another user or is readable by others; or if
  ///   its directory belongs to another user but root, or can be written by others.
  package static func loadOrCreate(at path: String) throws(IdentityError) -> PeerIdentity {
    let file = KeyFile(path: path)
    try file.checkDirectory()
    if let text = try file.read() { return try PeerIdentity(pem: text, path: path) }
    let key = P256.Signing.PrivateKey()
    if try file.create(holding: key.pemRepresentation + "\n") { return try PeerIdentity(key: key, path: path) }
    guard let text = try file.read() else {
      throw IdentityError(code: .cannotCreate, path: path, reason: "is created and removed by another process")
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
        reason: "is not a P-256 key in PEM: restore your copy of the key, or remove the file to get a new id")
    }
    try self.init(key: key, path: path)
  }

  private init(key: P256.Signing.PrivateKey, path: String) throws(IdentityError) {
    self.key = key
    publicKey = Array(key.publicKey.derRepresentation)
    guard let digest = DocumentModel.Digest(bytes: SHA256.hash(data: publicKey)) else {
      throw IdentityError(code: .notAKey, path: path, reason: "has no id")
    }
    id = PeerID(digest: digest)
  }
}

extension PeerIdentity {
  /// Signs with ECDSA and SHA-256: r and s, 32 bytes each. `nil` if the system has no randomness.
  package func signature(of bytes: [UInt8]) -> [UInt8]? {
    (try? key.signature(for: bytes)).map { Array($0.rawRepresentation) }
  }
}

/// Why the key file cannot be used, and what to do about it.
package struct IdentityError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Code: Hashable, Sendable {
    /// The file is not a P-256 key in PEM.
    case notAKey
    /// Other users can read the key, or write in its directory.
    case exposed
    /// A symbolic link, a directory or another kind of file.
    case notAFile
    /// The file, or its directory, belongs to another user.
    case foreign
    /// The system refuses to read the file.
    case unreadable
    /// The system refuses to create the file.
    case cannotCreate
  }

  package let code: Code
  package let path: String
  /// Shown to people after the path.
  package let reason: String

  package var description: String { "\(path) \(reason)" }
}
