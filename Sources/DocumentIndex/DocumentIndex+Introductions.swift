// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What all holders of a document repeat about it.
package struct DocumentDescription: Equatable, Sendable {
  package let title: Title
  package let modified: Timestamp
  package let executable: Bool
}

extension DocumentIndex {
  /// How those who may bring a document into the network describe it now; what the session itself has said, if it has a
  /// record. `nil` if neither has one: only those who may bring it can add it.
  ///
  /// - Parameter introduces: whether a peer may bring the document into the network.
  package func description(
    of document: DocumentID, for session: SessionID, _ introduces: (PeerID) -> Bool
  ) -> DocumentDescription? {
    guard let entry = findEntry(document.key, document.content) else { return nil }
    var record = entries[entry].records.oldest
    while record != noSlot {
      let owner = records[record].session
      let source = sessions[owner].source
      if sessions[owner].isLive, source != noSlot, introduces(sources[source].peer) { return description(of: record) }
      record = records[record].newer
    }
    guard let slot = sessionSlots[session], let own = findRecord(of: slot, entry) else { return nil }
    return description(of: own)
  }

  private func description(of record: UInt32) -> DocumentDescription {
    let record = records[record]
    return DocumentDescription(
      title: Title(known: titles.string(record.title)), modified: record.modified, executable: record.executable)
  }
}
