// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel

/// The rules of the index in the plainest way, slow: what `DocumentIndex` is compared with.
struct ReferenceIndex {
  struct Session {
    let id: SessionID
    let peer: PeerID
    let name: PeerName
    let host: String
    let port: UInt16?
  }

  struct Record {
    let session: SessionID
    var document: Document
    var complete: Bool
  }

  struct Address: Hashable {
    let peer: PeerID
    let host: String
    let port: UInt16
  }

  /// Oldest first.
  private(set) var sessions: [Session] = []
  /// Oldest first.
  private(set) var records: [Record] = []

  mutating func open(_ session: Session) {
    sessions.append(session)
  }

  mutating func add(_ documents: [Document], by session: SessionID, complete: Bool) -> Int {
    guard sessions.contains(where: { $0.id == session && $0.port != nil }) else { return 0 }
    var added = 0
    for document in documents {
      let same = records.firstIndex {
        $0.session == session && $0.document.key == document.key && $0.document.content == document.content
      }
      if let same {
        records[same].document = document
        records[same].complete = complete
      } else {
        records.append(Record(session: session, document: document, complete: complete))
        added += 1
      }
    }
    return added
  }

  mutating func remove(_ documents: [DocumentID], by session: SessionID) -> Int {
    let before = records.count
    records.removeAll { record in
      record.session == session
        && documents.contains(record.document.id)
    }
    return before - records.count
  }

  mutating func close(_ session: SessionID) -> Int {
    let before = records.count
    records.removeAll { $0.session == session }
    sessions.removeAll { $0.id == session }
    return before - records.count
  }

  /// Contents that somebody has as a whole first, then most-held first, also where only some peers' are asked for.
  func lookup(
    key: DocumentKey, peers: DigestPrefix? = nil, where isWanted: (Content) -> Bool = { _ in true }
  ) -> [ContentEntry] {
    let matching = records.filter { $0.document.key == key && isWanted($0.document.content) }
    let ranked = entries(of: matching, peers: nil)
      .sorted { left, right in
        let isWhole = [left, right].map { $0.holders.contains(where: \.complete) }
        guard isWhole[0] == isWhole[1] else { return isWhole[0] }
        return left.total == right.total ? left.content < right.content : left.total > right.total
      }
    let asked = entries(of: matching, peers: peers)
    return ranked.compactMap { entry in asked.first { $0.content == entry.content } }
  }

  /// Under the key that has stood longest first.
  func lookup(content: Content, peers: DigestPrefix?) -> [ContentEntry] {
    let matching = records.filter { $0.document.content == content }
    let holders = holders(of: matching, peers: peers)
    guard !holders.isEmpty else { return [] }
    return standing.filter { $0.1 == content }.compactMap { key, _ in
      matching.first { $0.document.key == key }.map { entry($0.document, holders) }
    }
  }

  func list(collection: String?, words: [String]) -> [ContentEntry] {
    var rows = [ContentEntry]()
    for (key, content) in standing where collection == nil || key.collection == collection ?? "" {
      let matching = records.filter { $0.document.key == key && $0.document.content == content }
      guard matching.contains(where: \.complete), let oldest = matching.first, Self.matches(oldest.document, words)
      else { continue }
      rows.append(entry(oldest.document, holders(of: matching, peers: nil)))
    }
    return rows.sorted { $0.key == $1.key ? $0.content < $1.content : $0.key < $1.key }
  }

  func peers() -> [PeerListing] {
    var rows = [Address: PeerListing]()
    for session in sessions {
      guard let port = session.port else { continue }
      let address = Address(peer: session.peer, host: session.host, port: port)
      let count = records.filter { $0.session == session.id }.count + (rows[address]?.documents ?? 0)
      rows[address] = PeerListing(
        peer: session.peer, name: rows[address]?.name ?? session.name, host: session.host, port: port,
        documents: count)
    }
    return rows.values.sorted { ($0.peer, $0.host, $0.port) < ($1.peer, $1.host, $1.port) }
  }

  var statistics: IndexStatistics {
    IndexStatistics(
      documents: standing.count, records: records.count, sessions: sessions.count, peers: peers().count,
      keys: Set(records.map(\.document.key)).count)
  }

  // MARK: Parts

  /// The pairs of key and content, in the order in which they came to stand. A pair whose first record went stands on
  /// through a later one, so the order is kept by the caller's steps and not by the records alone.
  private var standing: [(DocumentKey, Content)] { order.filter { pair in has(pair) } }
  private(set) var order: [(DocumentKey, Content)] = []

  private func has(_ pair: (DocumentKey, Content)) -> Bool {
    records.contains { $0.document.key == pair.0 && $0.document.content == pair.1 }
  }

  /// To be called after each step.
  mutating func settle() {
    order = standing
    for record in records {
      let pair = (record.document.key, record.document.content)
      if !order.contains(where: { $0 == pair }) { order.append(pair) }
    }
  }

  private func entries(of matching: [Record], peers: DigestPrefix?) -> [ContentEntry] {
    var contents = [Content]()
    for record in matching where !contents.contains(record.document.content) {
      contents.append(record.document.content)
    }
    return contents.compactMap { content in
      let same = matching.filter { $0.document.content == content }
      let holders = holders(of: same, peers: peers)
      return holders.isEmpty ? nil : same.first.map { entry($0.document, holders) }
    }
  }

  private func entry(_ document: Document, _ holders: [Holder]) -> ContentEntry {
    ContentEntry(
      summary: ContentSummary(
        key: document.key, content: document.content, title: document.title, modified: document.modified,
        total: holders.count),
      holders: holders)
  }

  private func holders(of matching: [Record], peers: DigestPrefix?) -> [Holder] {
    var holders = [Address: Holder]()
    for record in matching {
      guard let session = sessions.first(where: { $0.id == record.session }), let port = session.port,
        peers?.contains(session.peer.digest) ?? true
      else { continue }
      let address = Address(peer: session.peer, host: session.host, port: port)
      let elder = sessions.first { $0.peer == address.peer && $0.host == address.host && $0.port == port }
      holders[address] = Holder(
        peer: session.peer, name: elder?.name ?? session.name, host: session.host, port: port,
        complete: record.complete || holders[address]?.complete ?? false)
    }
    return Array(holders.values)
  }

  /// For texts of ASCII only.
  private static func matches(_ document: Document, _ words: [String]) -> Bool {
    let text = (document.title.text + " " + document.key.text).lowercased()
    let found = text.split { !$0.isLetter && !$0.isNumber }
    return words.flatMap { $0.lowercased().split { !$0.isLetter && !$0.isNumber } }
      .allSatisfy { word in found.contains { $0.hasPrefix(word) } }
  }
}
