// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Who holds what: every record of every session, found by key, by content, in key order and by words.
///
/// A data structure for one owner: no lock, no clock, no I/O. Lists are in the byte order of keys, then of contents. The cost
/// of an operation depends on what it touches and on logarithms of the rest, never on the number of holders of a key, keys
/// of a content or sessions.
///
/// What cannot be done in a short time is done in slices: `advance` for searches, `clear` for what closed sessions leave.
package final class DocumentIndex {
  // No call changes one of these twice at once: the runtime need not check this for each look-up.
  @exclusivity(unchecked) var records = Slab<Record>()
  @exclusivity(unchecked) var entries = Slab<Entry>()
  @exclusivity(unchecked) var sources = Slab<Source>()
  @exclusivity(unchecked) var keys = TextTable<Ranking>()
  /// With the number of records that have each title.
  @exclusivity(unchecked) var titles = TextTable<Int>()
  /// Closed sessions whose records are being withdrawn, the next one last.
  @exclusivity(unchecked) var departing: [UInt32] = []

  @exclusivity(unchecked) var contents = Slab<ContentRow>()
  @exclusivity(unchecked) var sharedHolders = Slab<SharedHolders>()
  @exclusivity(unchecked) var sessions = Slab<Session>()
  @exclusivity(unchecked) var accounts = Slab<Account>()

  @exclusivity(unchecked) var contentSlots = SlotTable()
  /// By session and entry.
  @exclusivity(unchecked) var recordSlots = SlotTable()
  /// Live ones.
  @exclusivity(unchecked) var sourceSlots: [HolderID: UInt32] = [:]
  /// Live ones.
  @exclusivity(unchecked) var sessionSlots: [SessionID: UInt32] = [:]
  @exclusivity(unchecked) var accountSlots: [AddressBlock: UInt32] = [:]

  /// All entries that lists show, by key and content.
  @exclusivity(unchecked) var entryOrder = SortedBlocks<PrefixedSlot>()
  /// All live sources, by peer, host and port.
  @exclusivity(unchecked) var sourceOrder = SortedBlocks<UInt32>()
  @exclusivity(unchecked) var words = WordIndex()
  /// Of the entry that is being indexed.
  @exclusivity(unchecked) var foldedWords: [UInt8] = []
  /// With the number of keys in each collection.
  @exclusivity(unchecked) var collections = TextTable<Int>()
  /// Collections by the words of their names.
  @exclusivity(unchecked) var collectionWords = WordIndex()

  @exclusivity(unchecked) var watches = WatchTable()
  /// What watchers are to be told.
  @exclusivity(unchecked) var events: [(watch: WatchID, event: IndexEvent)] = []
  /// Since the owner took what watchers are to be told: a slice may consist of several calls.
  @exclusivity(unchecked) var watchesLookedAt = 0

  /// The last one that an entry got.
  @exclusivity(unchecked) var lastEdition: UInt64 = 0
  /// Records of closed sessions.
  @exclusivity(unchecked) var departingRecords = 0
  /// Memory of sets of holders and of rankings, in bytes.
  @exclusivity(unchecked) var otherBytes = 0
  /// For batches that are being added, in bytes.
  @exclusivity(unchecked) var reservedBytes = 0

  package init() {}

  // MARK: Sessions

  /// Opens a session. Without a port it only looks up, and cannot have records.
  /// - Parameters:
  ///   - block: what its records and memory are counted for, if they are.
  ///   - label: what answers say of it as a holder, if they do so by labels.
  ///   - proven: whether it has proven that it is this peer. Its holder then counts as proven.
  /// - Returns: false, and nothing is done, if it is open already.
  @discardableResult
  package func open(
    _ session: SessionID, peer: PeerID, name: PeerName, host: String, port: UInt16?, block: AddressBlock? = nil,
    label: HolderLabel? = nil, proven: Bool = false
  ) -> Bool {
    guard sessionSlots[session] == nil else { return false }
    let account = block.map { joinAccount($0) } ?? noSlot
    let text = (label?.bytes ?? []).withUnsafeBytes { RawText($0) }
    let slot = sessions.insert(
      Session(
        id: session, name: name, label: text, isLocal: label?.isLocal ?? false, source: noSlot, account: account))
    sessionSlots[session] = slot
    let texts = TextMemory.bytes(of: name.text) + TextMemory.bytes(of: host)
    charge(Charges.session + texts + TextMemory.bytes(of: text.bytes), to: slot)
    if let port { joinSource(HolderID(peer: peer, host: host, port: port), session: slot, proven: proven) }
    return true
  }

  /// Closes a session. Its records are gone from all answers; call `clear` until they are withdrawn.
  /// - Returns: the number of records dropped.
  @discardableResult
  package func close(_ session: SessionID) -> Int {
    guard let slot = sessionSlots.removeValue(forKey: session) else { return 0 }
    let count = sessions[slot].recordCount
    release(slot)
    sessions[slot].isLive = false
    leaveSource(session: slot)
    guard count > 0 else {
      finish(slot)
      return 0
    }
    departingRecords += count
    departing.append(slot)
    return count
  }

  /// The number of records of a session; 0 if it is not open.
  package func records(of session: SessionID) -> Int {
    sessionSlots[session].map { sessions[$0].recordCount } ?? 0
  }

  // MARK: Records

  /// Adds a batch; `complete` says whether the documents may be complete at all. A document that the session has added already gets the new title, time and completeness. Without effect
  /// for a session that is not open or has no port.
  /// - Returns: the number of new records.
  @discardableResult
  package func add(
    _ documents: some Collection<Document>, by session: SessionID, complete: Bool = true
  ) -> Int {
    guard let slot = sessionSlots[session], sessions[slot].source != noSlot else { return 0 }
    var added = 0
    for document in documents where place(document, session: slot, complete: complete && document.complete) {
      added += 1
    }
    return added
  }

  /// Adds the first documents of a batch, and takes them out of it: all, unless watchers have much to be told.
  /// - Returns: the number of new records.
  package func addFirst(of documents: inout ArraySlice<Document>, by session: SessionID) -> Int {
    guard let slot = sessionSlots[session], sessions[slot].source != noSlot else {
      documents = []
      return 0
    }
    var (added, taken) = (0, 0)
    for document in documents {
      if isCrowdedWithEvents { break }
      if place(document, session: slot, complete: document.complete) { added += 1 }
      taken += 1
    }
    documents = documents.dropFirst(taken)
    return added
  }

  /// Drops records.
  /// - Returns: the number of records that the session had.
  @discardableResult
  package func remove(_ documents: some Collection<DocumentID>, by session: SessionID) -> Int {
    guard let slot = sessionSlots[session] else { return 0 }
    var removed = 0
    for document in documents {
      guard let entry = findEntry(document.key, document.content), let record = findRecord(of: slot, entry)
      else { continue }
      withdraw(record)
      removed += 1
    }
    return removed
  }

  /// The same for the first documents, which are taken out: all, unless watchers have much to be told.
  package func removeFirst(of documents: inout ArraySlice<DocumentID>, by session: SessionID) -> Int {
    var removed = 0
    while !isCrowdedWithEvents, let document = documents.popFirst() {
      removed += remove(CollectionOfOne(document), by: session)
    }
    return removed
  }

  // MARK: Numbers

  /// Documents and keys of sessions that have just closed may still be counted.
  package var statistics: IndexStatistics {
    IndexStatistics(
      documents: entries.count, records: records.count - departingRecords, sessions: sessionSlots.count,
      peers: sourceOrder.count, keys: keys.count)
  }

  /// Elements in all tables; 0 in an index without sessions. For tests: nothing else shows that memory is given back.
  package var elementCount: Int {
    let elements = records.count + entries.count + contents.count + sharedHolders.count + sources.count + sessions.count
    let texts = keys.count + titles.count + words.wordCount + collections.count + collectionWords.wordCount
    let tables = contentSlots.count + recordSlots.count + sourceSlots.count + sessionSlots.count
    let others = accounts.count + accountSlots.count + watches.count + events.count
    return elements + texts + tables + entryOrder.count + sourceOrder.count + others
  }
}

/// The size of an index.
package struct IndexStatistics: Hashable, Sendable {
  /// Different pairs of key and content.
  package let documents: Int
  package let records: Int
  /// Open sessions, including those that only look up.
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

/// One connection to the index; records live as long as their session. The owner of the index assigns each number once.
package struct SessionID: Hashable, Sendable {
  package let raw: UInt64

  package init(_ raw: UInt64) {
    self.raw = raw
  }
}
