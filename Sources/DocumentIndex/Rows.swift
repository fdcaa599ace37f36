// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// One session's claim on an entry.
struct Record: AgeLinked {
  var session: UInt32
  var entry: UInt32
  var title: UInt32
  var complete: Bool
  var modified: Timestamp
  /// Other records of the same entry.
  var older = noSlot
  var newer = noSlot

  mutating func vacate() {}
}

/// A content under a key, as long as there is a record of it.
struct Entry: AgeLinked {
  let content: Content
  /// Those of the oldest record, here because every reply needs them.
  var modified = Timestamp(seconds: 0)
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

/// A content, as long as it stands under some key. Which one it is, its entries say.
struct ContentRow: SlabElement {
  var entries = AgeList()

  mutating func vacate() {}
}

/// Where a peer can be reached: one per (peer, host, port), however many sessions claim it.
struct Source: SlabElement {
  var peer: PeerID
  var host: String
  var port: UInt16
  /// The one that the newest session gave.
  var name: PeerName
  var sessions = AgeList()
  /// Of all its sessions together.
  var recordCount = 0

  var identity: SourceIdentity { SourceIdentity(peer: peer, host: host, port: port) }

  mutating func vacate() {
    host = ""
  }

  func holder(complete: Bool) -> Holder {
    Holder(peer: peer, name: name, host: host, port: port, complete: complete)
  }
}

/// What tells sources apart.
struct SourceIdentity: Hashable {
  let peer: PeerID
  let host: String
  let port: UInt16
}

extension SourceIdentity: Comparable {
  static func < (left: SourceIdentity, right: SourceIdentity) -> Bool {
    if left.peer != right.peer { return left.peer < right.peer }
    let hosts = ByteOrder.compare(left.host, right.host)
    return hosts == 0 ? left.port < right.port : hosts < 0
  }
}

struct Session: AgeLinked {
  var id: SessionID
  var name: PeerName
  /// `noSlot` where it only looks up.
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
