// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What all holders of a document repeat about it.
package struct DocumentDescription: Equatable, Sendable {
  package let title: Title
  package let modified: Timestamp
  package let executable: Bool
}

/// How far a search has come for one who may bring a document into the network.
package enum Introduction: Equatable, Sendable {
  /// How those describe it who may; else what the session itself has said, if it has a record.
  case found(DocumentDescription)
  /// Neither has a record: only those who may bring it can add it.
  case missing
  /// The search goes on with the record of this session; `nil` if all records so far were those of closed sessions.
  case unfinished(SessionID?)
}

extension DocumentIndex {
  /// Looks for a record of a document by one who may bring it into the network, the oldest ones first.
  ///
  /// - Parameters:
  ///   - next: where the search goes on. From the beginning if that record is gone.
  ///   - looks: the records that may be looked at, two at least; each takes some 100 ns. Counted down.
  ///   - introduces: whether a peer may bring the document into the network.
  package func introduction(
    of document: DocumentID, for session: SessionID, from next: SessionID? = nil, looks: inout Int,
    _ introduces: (PeerID) -> Bool
  ) -> Introduction {
    guard let entry = findEntry(document.key, document.content) else { return .missing }
    let reached = next.flatMap { sessionSlots[$0] }.flatMap { findRecord(of: $0, entry) }
    var record = reached ?? entries[entry].records.oldest
    // Records of closed sessions may be gone when it goes on.
    var live = reached == nil ? nil : next
    while record != noSlot {
      guard looks > 0 else { return .unfinished(live) }
      looks -= 1
      let owner = records[record].session
      let source = sessions[owner].source
      if sessions[owner].isLive, source != noSlot {
        if introduces(sources[source].peer) { return .found(description(of: record)) }
        live = sessions[owner].id
      }
      record = records[record].newer
    }
    guard let slot = sessionSlots[session], let own = findRecord(of: slot, entry) else { return .missing }
    return .found(description(of: own))
  }

  private func description(of record: UInt32) -> DocumentDescription {
    let record = records[record]
    return DocumentDescription(
      title: Title(known: titles.string(record.title)), modified: record.modified, executable: record.executable)
  }
}
