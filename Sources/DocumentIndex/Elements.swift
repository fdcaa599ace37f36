// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// One session's claim on an entry.
struct Record: AgeLinked {
  var session: UInt32
  var entry: UInt32
  var title: UInt32
  var complete: Bool
  var executable: Bool
  var modified: Timestamp
  /// Other records of the same entry.
  var older = noSlot
  var newer = noSlot

  mutating func vacate() {}
}

/// A content under a key; it exists while there is a record of it.
struct Entry: AgeLinked {
  let content: Content
  /// Of the oldest record, as `title`; here because every reply needs them.
  var modified = Timestamp(seconds: 0)
  var executable = false
  var title = noSlot
  let key: UInt32
  let contentRow: UInt32
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

  mutating func vacate() {}
}

/// An address of a peer: one per (peer, host, port), shared by all sessions that claim it.
struct Source: SlabElement {
  var peer: PeerID
  var host: String
  var port: UInt16
  /// From the newest session.
  var name: PeerName
  var sessions = AgeList()
  /// Of all its sessions together.
  var recordCount = 0

  var id: HolderID { HolderID(peer: peer, host: host, port: port) }

  mutating func vacate() {
    host = ""
  }

  func holder(complete: Bool) -> Holder {
    Holder(peer: peer, name: name, host: host, port: port, complete: complete)
  }
}

struct Session: AgeLinked {
  var id: SessionID
  var name: PeerName
  /// `noSlot` if it only looks up.
  var source: UInt32
  /// From entry to record.
  var records: [UInt32: UInt32] = [:]
  /// Other sessions of the same source.
  var older = noSlot
  var newer = noSlot

  mutating func vacate() {
    records = [:]
  }
}

/// The entries under one key, most-held first. Nearly every key has one.
enum Ranking {
  case one(UInt32)
  case many(SortedBlocks<UInt32>)

  var count: Int {
    switch self {
    case .one: 1
    case .many(let entries): entries.count
    }
  }
}
