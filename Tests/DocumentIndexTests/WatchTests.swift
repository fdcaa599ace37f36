// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

/// What those who watch are told.
@Suite final class WatchTests {
  var index = DocumentIndex()

  init() throws {
    try index.open(1)
    try index.open(2)
  }

  /// Begins a watch; all of the state is told.
  private func watch(
    _ subject: WatchSubject, number: UInt64 = 1, holderLimit: Int = 50
  ) -> [IndexEvent] {
    index.watch(WatchID(number), subject, holderLimit: holderLimit)
    var generator = SeededGenerator(seed: 1)
    while !index.tell(WatchID(number), using: &generator) {}
    return events()
  }

  private func events() -> [IndexEvent] { index.takeEvents().map(\.event) }

  /// A slice is bounded by what watchers are told, whatever it does.
  @Test func `slice ends when watchers have much to be told`() throws {
    let count = 5000
    for number in 1...UInt64(count) { _ = watch(.documents(WatchFilter()), number: number) }
    let documents = try (0..<3).map { try Sample.document("file/\($0)", $0) }
    var rest = documents[...]
    for left in [2, 1, 0] {
      #expect(index.addFirst(of: &rest, by: SessionID(1)) == 1 && rest.count == left)
      #expect(events().count == count)
    }
    var gone = documents.map(\.id).prefix(2)
    #expect(index.removeFirst(of: &gone, by: SessionID(1)) == 1 && gone.count == 1)
    #expect(events().count == count)
    index.close(SessionID(1))
    for _ in 0..<2 {
      #expect(index.needsClearing)
      index.clear(100)
      #expect(events().count == count)
    }
    index.clearAll()
    #expect(index.statistics.documents == 0)
  }

  /// Even if none of them has anything to be told.
  @Test func `slice ends when many watches were looked at`() throws {
    let documents = try (0..<3).map { try Sample.document("file/\($0)", 7, title: "many words") }
    add(documents[0])
    for number in 1...5000 {
      _ = watch(.content(documents[0].content), number: UInt64(number), holderLimit: 1)
      _ = watch(.documents(WatchFilter(words: "words missing\(number)")), number: UInt64(5000 + number))
    }
    var rest = documents[1...]
    for left in [1, 0] {
      #expect(index.addFirst(of: &rest, by: SessionID(1)) == 1 && rest.count == left)
      #expect(index.addFirst(of: &rest, by: SessionID(1)) == 0 && rest.count == left, "the slice has ended")
      #expect(events().isEmpty)
    }
  }

  private func add(_ document: Document, by session: UInt64 = 1) {
    index.add([document], by: SessionID(session))
  }

  @Test func `document appears with its first record and is gone with its last`() throws {
    #expect(watch(.documents(WatchFilter())) == [.current])
    let document = try Sample.document("rfc/1", title: "Host Software")
    add(document)
    #expect(events() == [.document(.appeared, document, total: 1)])
    add(document, by: 2)
    #expect(events() == [], "another holder is no change of the document")
    index.remove([document.id], by: SessionID(1))
    #expect(events() == [])
    index.remove([document.id], by: SessionID(2))
    #expect(events().map(\.name) == ["gone rfc/1"])
  }

  @Test func `partial records alone make no document appear`() throws {
    _ = watch(.documents(WatchFilter()))
    let document = try Sample.document("rfc/1")
    add(document.partial)
    #expect(events() == [])
    add(document)
    #expect(events().map(\.name) == ["appeared rfc/1"])
    add(document.partial)
    #expect(events().map(\.name) == ["gone rfc/1"])
  }

  @Test func `new title of the oldest record is an update`() throws {
    _ = watch(.documents(WatchFilter()))
    add(try Sample.document("rfc/1", title: "Host"))
    add(try Sample.document("rfc/1", title: "Other"), by: 2)
    _ = events()
    add(try Sample.document("rfc/1", title: "Host Software"))
    #expect(events().map(\.name) == ["updated rfc/1"])
    index.remove([try Sample.document("rfc/1").id], by: SessionID(1))
    #expect(events().map(\.name) == ["updated rfc/1"], "now the title is that of the other record")
    add(try Sample.document("rfc/1", title: "Other", modified: 9), by: 2)
    #expect(events().map(\.name) == ["updated rfc/1"])
    add(try Sample.document("rfc/1", title: "Other", modified: 9), by: 2)
    #expect(events() == [])
  }

  @Test func `documents come and go as a new title matches the words`() throws {
    _ = watch(.documents(WatchFilter(words: "soft")))
    add(try Sample.document("rfc/1", title: "Host"))
    #expect(events() == [])
    add(try Sample.document("rfc/1", title: "Host Software"))
    #expect(events().map(\.name) == ["appeared rfc/1"])
    add(try Sample.document("rfc/1", title: "Software"))
    #expect(events().map(\.name) == ["updated rfc/1"])
    add(try Sample.document("rfc/1", title: "Hardware"))
    #expect(events().map(\.name) == ["gone rfc/1"])
  }

  @Test(arguments: [
    (WatchFilter(), ["data/cats/1", "data/cats/sub/2", "data/dogs/1", "rfc/1"]),
    (WatchFilter(prefix: "data/cats/"), ["data/cats/1", "data/cats/sub/2"]),
    (WatchFilter(prefix: "data/cats/s"), ["data/cats/sub/2"]),
    (WatchFilter(collection: "data"), ["data/cats/1", "data/cats/sub/2", "data/dogs/1"]),
    (WatchFilter(collection: "rfc", prefix: "data/"), []),
    (WatchFilter(words: "cat 2"), ["data/cats/sub/2"]),
    (WatchFilter(prefix: "data/", words: "pet"), ["data/dogs/1"]),
    (WatchFilter(collection: "data", words: "1"), ["data/cats/1", "data/dogs/1"]),
    (WatchFilter(words: "!"), []),
  ]) func `conditions hold for the state and for changes`(filter: WatchFilter, expected: [String]) throws {
    let documents = try ["data/cats/1", "data/cats/sub/2", "data/dogs/1", "rfc/1"].map {
      try Sample.document($0, title: $0.contains("dogs") ? "Pets" : "")
    }
    #expect(watch(.documents(filter)) == [.current])
    for document in documents { add(document) }
    #expect(events().map(\.name) == expected.map { "appeared \($0)" })
    #expect(watch(.documents(filter), number: 2).map(\.name) == expected.map { "appeared \($0)" } + ["current"])
  }

  @Test func `one key`() throws {
    let filter = WatchFilter(key: try DocumentKey("rfc/1"))
    _ = watch(.documents(filter))
    for key in ["rfc/1", "rfc/10", "rfc/2"] { add(try Sample.document(key)) }
    #expect(events().map(\.name) == ["appeared rfc/1"])
    #expect(watch(.documents(filter), number: 2).map(\.name) == ["appeared rfc/1", "current"])
  }

  @Test func `watch that has ended is told nothing`() throws {
    _ = watch(.documents(WatchFilter()))
    index.unwatch(WatchID(1))
    add(try Sample.document("rfc/1"))
    var generator = SeededGenerator(seed: 1)
    #expect(events() == [])
    let isTold = index.tell(WatchID(1), using: &generator)
    let hasMore = index.reconcile(WatchID(1))
    #expect(isTold && !hasMore)
    #expect(index.watchCount == 0)
  }

  // MARK: Holders

  @Test func `holder joins, completes and leaves`() throws {
    let document = try Sample.document("rfc/1")
    #expect(watch(.content(document.content)) == [.current])
    add(document.partial)
    #expect(events().map(\.name) == ["joined 1 partial"])
    add(document)
    #expect(events().map(\.name) == ["completed 1"])
    add(try Sample.document("file/copy"), by: 2)
    #expect(events().map(\.name) == ["joined 2"], "the same content under another key")
    add(try Sample.document("file/copy"))
    #expect(events() == [])
    index.remove([document.id], by: SessionID(1))
    #expect(events() == [], "it still holds it under the other key")
    index.close(SessionID(1))
    while index.needsClearing { index.clear(8) }
    #expect(events().map(\.name) == ["left 1"])
  }

  @Test func `peer that comes back before its old session is cleared has not left`() throws {
    let document = try Sample.document("rfc/1")
    add(document)
    #expect(watch(.content(document.content)).map(\.name) == ["joined 1", "current"])
    index.close(SessionID(1))
    try index.open(3, peer: 1)
    add(document, by: 3)
    while index.needsClearing { index.clear(8) }
    #expect(events() == [])
  }

  @Test func `more holders than are told change one at a time`() throws {
    let document = try Sample.document("rfc/1")
    for session in 3..<10 { try index.open(UInt64(session)) }
    for session in 3..<8 { add(document, by: UInt64(session)) }
    let told = watch(.content(document.content), holderLimit: 3)
    #expect(told.count == 4 && told.last == .current)
    var replay = Replay()
    for event in told { try replay.take(event) }
    for session in 3..<8 { index.close(SessionID(UInt64(session))) }
    for session in 8..<10 { add(document, by: UInt64(session)) }
    while index.needsClearing { index.clear(100) }
    #expect(events() == [.crowded])
    var rounds = 0
    while index.reconcile(WatchID(1)) {
      let events = events()
      #expect(events.count <= 1)
      for event in events { try replay.take(event) }
      rounds += 1
    }
    #expect(rounds <= 6)
    #expect(Set(replay.holders.keys.map(\.peer)) == [Sample.peer(8), Sample.peer(9)])
    index.remove([document.id], by: SessionID(9))
    #expect(events().map(\.name) == ["left 9"], "few again: at once")
  }
}

extension IndexEvent {
  /// In short, with the number of the peer as `Sample` makes it.
  fileprivate var name: String {
    switch self {
    case .current: "current"
    case .crowded: "crowded"
    case .document(let change, let document, _): "\(change) \(document.key)"
    case .holder(let change, let holder):
      "\(change) \((Int(holder.peer.hex.suffix(4), radix: 16) ?? 0) - 1)\(holder.complete ? "" : " partial")"
    }
  }
}

/// What a watcher knows, from what it was told. Throws where a change does not fit what it knows.
struct Replay {
  private(set) var documents: [DocumentID: Document] = [:]
  private(set) var holders: [HolderID: Holder] = [:]
  private(set) var isCurrent = false

  mutating func take(_ event: IndexEvent) throws {
    switch event {
    case .current: isCurrent = true
    case .crowded: break
    case .document(let change, let document, let total):
      try #require((documents[document.id] != nil) == (change != .appeared), "\(change) \(document.key)")
      try #require(total > 0 || change == .gone)
      documents[document.id] = change == .gone ? nil : document
    case .holder(let change, let holder):
      let known = holders[holder.id]
      try #require((known != nil) == (change != .joined), "\(change) \(holder.peer)")
      if change == .completed { try #require(known?.complete == false && holder.complete) }
      holders[holder.id] = change == .left ? nil : holder
    }
  }
}
