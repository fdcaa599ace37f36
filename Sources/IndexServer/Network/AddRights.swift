// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import NetworkMembership

/// Which documents a member may add that may not add everything.
struct AddRights {
  let network: ClosedNetwork
  let peer: PeerID

  /// - Returns: the document if the member may add it, described as those describe it who brought it into the network;
  ///   `nil` if it may not.
  func judge(_ document: Document, of session: SessionID, in index: DocumentIndex) -> Document? {
    network.read { membership in
      let claim = membership.claim(governing: document.key)
      if membership.introduces(peer, under: claim) { return document }
      let known = index.description(of: document.id, for: session) { membership.introduces($0, under: claim) }
      return known.map { known in
        Document(
          key: document.key, title: known.title, content: document.content, modified: known.modified,
          executable: known.executable, complete: document.complete)
      }
    }
  }
}
