// SPDX-License-Identifier: Apache-2.0

import Crypto
package import DocumentModel
import Glibc

/// What bytes are by the rule of BEP 52, written once more and as simply as can be: the oracle of everything fetched.
package enum MerkleRoot {
  private static let blockSize = 16_384

  package static func content(of bytes: [UInt8]) -> Content? {
    guard !bytes.isEmpty else { return .empty }
    var layer = stride(from: 0, to: bytes.count, by: blockSize).map { start in
      Array(SHA256.hash(data: bytes[start..<min(start + blockSize, bytes.count)]))
    }
    var width = 1
    while width < layer.count { width *= 2 }
    layer += Array(repeating: [UInt8](repeating: 0, count: Digest.byteCount), count: width - layer.count)
    while layer.count > 1 {
      layer = stride(from: 0, to: layer.count, by: 2).map { Array(SHA256.hash(data: layer[$0] + layer[$0 + 1])) }
    }
    return Digest(bytes: layer[0]).flatMap { Content(root: $0, size: Int64(bytes.count)) }
  }
}
