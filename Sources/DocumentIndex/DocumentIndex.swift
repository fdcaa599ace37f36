// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Who holds what: every record of every session, found by key, by content, in the order of keys and by words.
///
/// A plain value for one owner: no lock, no clock, no I/O. Lists are in the order of the bytes of keys, then of contents.
/// What an operation costs depends on what it touches and on logarithms of the rest, never on the number of holders of a
/// key, of keys of a content or of sessions.
package struct DocumentIndex {
  var records = Slab<Record>()
  var entries = Slab<Entry>()
  var contents = Slab<ContentRow>()
  var sources = Slab<Source>()
  var sessions = Slab<Session>()

  var keys = TextTable<DocumentKey, Ranking>()
  /// With the number of records that have the title.
  var titles = TextTable<Title, Int>()
  var contentSlots = SlotTable()
  /// Entries whose key has others too, by key and content.
  var rivalSlots = SlotTable()
  var sourceSlots: [SourceIdentity: UInt32] = [:]
  var sessionSlots: [SessionID: UInt32] = [:]

  /// All entries, by key and content.
  var entryOrder = SortedBlocks<PrefixedSlot>()
  /// All sources, by peer, host and port.
  var sourceOrder = SortedBlocks<UInt32>()
  /// The holders of contents that stand, or have stood, under several keys. All others have one entry, whose holders
  /// they are.
  var sharedHolders: [UInt32: HolderSet] = [:]
  var words = WordIndex()

  package init() {}

  // MARK: Sessions

  /// Makes a session known. Without a port it looks up only, and can have no records. False, and nothing done, where it
  /// is open already.
  @discardableResult
  package mutating func open(
    _ session: SessionID, peer: PeerID, name: PeerName, host: String, port: UInt16?
  ) -> Bool {
    guard sessionSlots[session] == nil else { return false }
    let slot = sessions.insert(Session(id: session, name: name, source: noSlot))
    sessionSlots[session] = slot
    if let port { joinSource(SourceIdentity(peer: peer, host: host, port: port), session: slot) }
    return true
  }

  /// Forgets a session and drops its records; returns how many they were.
  @discardableResult
  package mutating func close(_ session: SessionID) -> Int {
    guard let slot = sessionSlots.removeValue(forKey: session) else { return 0 }
    let dropped = sessions[slot].records
    sessions[slot].records = [:]
    for record in dropped.values { withdraw(record) }
    leaveSource(session: slot)
    sessions.remove(slot)
    return dropped.count
  }

  /// How many records a session has; 0 for one that is not open.
  package func records(of session: SessionID) -> Int {
    sessionSlots[session].map { sessions[$0].records.count } ?? 0
  }

  // MARK: Records

  /// Takes a whole batch; returns how many records are new. A document that the session has added already gets title,
  /// time and completeness anew. Without effect for a session that is not open or has no port.
  @discardableResult
  package mutating func add(_ documents: [Document], by session: SessionID, complete: Bool = true) -> Int {
    guard let slot = sessionSlots[session], sessions[slot].source != noSlot else { return 0 }
    var added = 0
    for document in documents where place(document, session: slot, complete: complete) { added += 1 }
    return added
  }

  /// Drops records; returns how many there were.
  @discardableResult
  package mutating func remove(_ documents: [(DocumentKey, Content)], by session: SessionID) -> Int {
    guard let slot = sessionSlots[session] else { return 0 }
    var removed = 0
    for (key, content) in documents {
      guard let entry = findEntry(key, content),
        let record = sessions[slot].records.removeValue(forKey: entry)
      else { continue }
      withdraw(record)
      removed += 1
    }
    return removed
  }

  // MARK: Numbers

  package var statistics: IndexStatistics {
    IndexStatistics(
      documents: entries.count, records: records.count, sessions: sessions.count, peers: sources.count,
      keys: keys.count)
  }
}

/// How much an index holds.
package struct IndexStatistics: Hashable, Sendable {
  /// Different pairs of key and content.
  package let documents: Int
  package let records: Int
  /// All that are open, those that look up only included.
  package let sessions: Int
  /// Different triples of peer, host and port.
  package let peers: Int
  package let keys: Int

  package init(documents: Int, records: Int, sessions: Int, peers: Int, keys: Int) {
    self.documents = documents
    self.records = records
    self.sessions = sessions
    self.peers = peers
    self.keys = keys
  }
}
