// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// One session's claim on an entry.
struct Record: AgeLinked {
  var session: UInt32
  var entry: UInt32
  var title: UInt32
  var complete: Bool
  var executable: Bool
  /// Whether the memory of the title is charged to the session: it was the first with that title.
  var paysTitle: Bool
  var modified: Timestamp
  /// Other records of the same entry.
  var older = noSlot
  var newer = noSlot
  /// Other records of the same session.
  var previous = noSlot
  var next = noSlot

  mutating func vacate() {}
}

/// A content under a key; it exists while there is a record of it.
struct Entry: AgeLinked {
  let content: Content
  /// Of the oldest record, as `title`; here because every reply needs them.
  var modified = Timestamp(seconds: 0)
  var executable = false
  var title = noSlot
  /// Another one after each change of these. No other entry has ever had it.
  var edition: UInt64 = 0
  let key: UInt32
  let contentRow: UInt32
  /// The session of the oldest record, to which the memory of the entry is charged.
  var payer = noSlot
  /// What is charged, in bytes.
  var charge: UInt32 = 0
  var records = AgeList()
  var holders = HolderSet()
  /// Other entries of the same content.
  var older = noSlot
  var newer = noSlot

  mutating func vacate() {
    holders = HolderSet()
  }
}

/// A content; it exists while it is under some key. Its entries name it.
struct ContentRow: SlabElement {
  var entries = AgeList()
  /// The slot of its holders under any key if it is, or was, under several; the holders of any other content are those of
  /// its only entry.
  var shared = noSlot

  mutating func vacate() {}
}

/// The holders of a content that is under several keys.
struct SharedHolders: SlabElement {
  var holders: HolderSet

  mutating func vacate() {
    holders = HolderSet()
  }
}

/// An address of a peer: one per (peer, host, port), shared by all live sessions that claim it.
struct Source: SlabElement {
  var peer: PeerID
  var host: String
  var port: UInt16
  /// From the oldest live session.
  var name: PeerName
  /// That of the oldest live session, which frees it; empty if it has none.
  var label: RawText
  /// Whether the label is right for askers of this machine only.
  var isLocal: Bool
  /// The live ones. Without any the source is dead: nothing shows it, and a session that claims the address gets another.
  var sessions = AgeList()
  /// Closed sessions whose records are not all withdrawn.
  var departing = 0
  /// Of all its live sessions together.
  var recordCount = 0
  /// Whether a session has proven to be the peer.
  var isProven = false

  var id: HolderID { HolderID(peer: peer, host: host, port: port) }
  var isLive: Bool { !sessions.isEmpty }

  mutating func vacate() {
    host = ""
    label = RawText()
  }

  func holder(complete: Bool) -> Holder {
    Holder(peer: peer, name: name, host: host, port: port, complete: complete, proven: isProven)
  }
}

struct Session: AgeLinked {
  var id: SessionID
  var name: PeerName
  /// What answers say of it as a holder; empty if it has none.
  var label: RawText
  var isLocal: Bool
  /// `noSlot` if it only looks up.
  var source: UInt32
  /// What its memory is charged to; `noSlot` for nothing.
  var account: UInt32
  var isLive = true
  var recordCount = 0
  /// The newest of its records.
  var newestRecord = noSlot
  /// Memory that is there for it alone, and what is reserved, in bytes.
  var bytes = 0
  /// For a batch that is being added.
  var reserved = 0
  /// Other live sessions of the same source.
  var older = noSlot
  var newer = noSlot

  mutating func vacate() {
    label.free()
  }
}

/// What all sessions of an address block hold.
struct Account: SlabElement {
  let block: AddressBlock
  /// The account of the whole site; `noSlot` if there is none.
  let site: UInt32
  var sessions = 0
  var records = 0
  var bytes = 0

  mutating func vacate() {}
}

/// The entries under one key. Nearly every key has one.
enum Ranking {
  case one(UInt32)
  case many(Rivals)

  var count: Int {
    switch self {
    case .one: 1
    case .many(let rivals): rivals.ranked.count
    }
  }
}

/// The entries under a key that has several.
final class Rivals {
  /// Most-held first.
  @exclusivity(unchecked) var ranked = SortedBlocks<UInt32>()
  /// In the order of contents.
  @exclusivity(unchecked) var byContent = SortedBlocks<RootedSlot>()

  var bytes: Int { 144 + ranked.bytes + byContent.bytes }
}

/// An entry and the first bytes of its root, which settle most comparisons.
struct RootedSlot: Equatable {
  let root: UInt64
  let slot: UInt32
}
