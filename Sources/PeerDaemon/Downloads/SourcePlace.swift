// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import WireProtocol

/// Who is where: a holder, whatever else is said of it.
struct SourcePlace: Hashable {
  let peer: PeerID
  let host: String
  let port: UInt16

  init(_ holder: Holder) {
    peer = holder.peer
    host = holder.host
    port = holder.port
  }
}
