// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import NetworkMembership

/// Which documents a member may add that may not add everything.
struct AddRights {
  enum Judgement {
    /// The member may add it, described as those describe it who brought it into the network.
    case admitted(Document)
    case refused
    /// There are many holders to look at: ask again when others have had their turn.
    case undecided
  }

  /// Holders that are looked at before others may have their turn: some 50 µs.
  static let looksOfSlice = 512

  let network: ClosedNetwork
  let peer: PeerID
  /// Where the search goes on among the holders of an undecided document.
  private var next: SessionID?

  init(network: ClosedNetwork, peer: PeerID) {
    self.network = network
    self.peer = peer
  }

  /// - Parameter looks: the holders that may be looked at, counted down.
  mutating func judge(
    _ document: Document, of session: SessionID, in index: DocumentIndex, looks: inout Int
  ) -> Judgement {
    let from = next.take()
    let introduction = network.read { membership -> Introduction? in
      let claim = membership.claim(governing: document.key)
      if membership.introduces(peer, under: claim) { return nil }
      return index.introduction(of: document.id, for: session, from: from, looks: &looks) {
        membership.introduces($0, under: claim)
      }
    }
    switch introduction {
    case nil: return .admitted(document)
    case .missing: return .refused
    case .unfinished(let session):
      next = session
      return .undecided
    case .found(let known):
      return .admitted(
        Document(
          key: document.key, title: known.title, content: document.content, modified: known.modified,
          executable: known.executable, complete: document.complete))
    }
  }
}
