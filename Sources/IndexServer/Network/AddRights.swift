// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import NetworkMembership

/// Which documents a member may add that may not add everything.
struct AddRights {
  let network: ClosedNetwork
  let peer: PeerID

  /// - Returns: the documents that it may add, those that others brought into the network described as these describe
  ///   them; and the positions of the others.
  func judge(
    _ documents: ArraySlice<Document>, of session: SessionID, in index: DocumentIndex
  ) -> (admitted: [Document], refused: [Int]) {
    var admitted: [Document] = []
    var refused: [Int] = []
    for position in documents.indices {
      if let document = judge(documents[position], session, index) {
        admitted.append(document)
      } else {
        refused.append(position)
      }
    }
    return (admitted, refused)
  }

  private func judge(
    _ document: Document, _ session: SessionID, _ index: DocumentIndex
  ) -> Document? {
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
