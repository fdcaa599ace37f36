// SPDX-License-Identifier: Apache-2.0

import Crypto
package import DocumentModel
package import WireProtocol

/// What an index keeps of a ticket's secret. The secret has 128 random bits, so that a plain hash cannot be inverted.
package enum SecretHash {
  package static func of(_ secret: TicketSecret) -> DocumentModel.Digest {
    DocumentModel.Digest(bytes: SHA256.hash(data: secret.bytes)) ?? .zero
  }
}
