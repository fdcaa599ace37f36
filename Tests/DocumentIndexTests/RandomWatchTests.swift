// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

/// Whatever happens in whatever order, what watchers were told adds up to what the index answers.
@Suite struct RandomWatchTests {
  @Test(arguments: Array(1...UInt64(5)))
  func `what was told adds up to what is there`(seed: UInt64) throws {
    var walk = try WatchedWalk(seed: seed)
    for step in 0..<300 {
      try walk.step()
      if step % 20 == 19 { try walk.compare() }
    }
    try walk.closeAll()
    #expect(walk.index.watchCount == 0)
    #expect(walk.index.elementCount == 0)
  }
}

/// An index in which sessions come and go, with some watches.
private struct WatchedWalk {
  private struct Watch {
    let subject: WatchSubject
    let filter: (WatchFilter, ListQuery)?
    let content: Content?
    let holderLimit: Int
    var replay = Replay()
    var isTold = false
  }

  var index = DocumentIndex()
  private var generator: SeededGenerator
  private var watches: [WatchID: Watch] = [:]
  private var open: [UInt64] = []
  private var last: UInt64 = 0
  private let keys = ["rfc/1", "rfc/10", "rfc/2", "file/a.txt", "file/a/b.txt", "data/host"]
  private let titles = ["", "Host Software", "Transmission Control Protocol", "host, a HOST"]
  private let contents = 5

  init(seed: UInt64) throws {
    generator = SeededGenerator(seed: seed)
  }

  mutating func step() throws {
    switch generator.next() % 16 {
    case 0: try openSession()
    case 1: closeSession()
    case 2: index.clear(Int.random(in: 1...3, using: &generator))
    case 3: try beginWatch()
    case 4: endWatch()
    case 5, 6: tellSome()
    case 7, 8: try removeSome()
    default: try addSome()
    }
    try drain()
  }

  /// Lets everything settle, then compares.
  mutating func compare() throws {
    while index.needsClearing { index.clear(8) }
    try drain()
    for id in watches.keys {
      while watches[id]?.isTold == false { tell(id) }
      while index.reconcile(id) {}
      try drain()
      guard let watch = watches[id] else { continue }
      #expect(watch.replay.isCurrent)
      if let (filter, query) = watch.filter {
        let rows = index.list(query).rows.documents.map(\.document)
          .filter { filter.includes(title: $0.title, key: $0.key) }
        #expect(Set(watch.replay.documents.values) == Set(rows))
      }
      if let content = watch.content {
        let holders = try index.holders(of: content, &generator)
        if holders.count <= watch.holderLimit {
          #expect(Set(watch.replay.holders.values.map(\.id)) == Set(holders.map(\.id)))
        } else {
          #expect(watch.replay.holders.count == watch.holderLimit)
        }
        for holder in watch.replay.holders.values {
          #expect(holders.contains { $0.id == holder.id && $0.complete == holder.complete })
        }
      }
    }
  }

  mutating func closeAll() throws {
    while !open.isEmpty { closeSession() }
    try compare()
    for id in watches.keys { index.unwatch(id) }
  }

  private mutating func drain() throws {
    for (id, event) in index.takeEvents() { try watches[id]?.replay.take(event) }
  }

  // MARK: Steps

  private mutating func openSession() throws {
    last += 1
    try index.open(last, peer: Int(last % 4), name: "peer\(last % 4)")
    open.append(last)
  }

  private mutating func closeSession() {
    guard let position = open.indices.randomElement(using: &generator) else { return }
    index.close(SessionID(open.remove(at: position)))
  }

  private mutating func addSome() throws {
    guard let session = open.randomElement(using: &generator) else { return }
    var document = try Sample.document(
      generator.pick(keys), Int.random(in: 0..<contents, using: &generator), title: generator.pick(titles),
      modified: Int64.random(in: 0...1, using: &generator))
    if generator.once(in: 3) { document = document.partial }
    index.add([document], by: SessionID(session))
  }

  private mutating func removeSome() throws {
    guard let session = open.randomElement(using: &generator) else { return }
    let id = try Sample.document(generator.pick(keys), Int.random(in: 0..<contents, using: &generator)).id
    index.remove([id], by: SessionID(session))
  }

  private mutating func beginWatch() throws {
    guard watches.count < 6 else { return }
    last += 1
    let id = WatchID(last)
    let limit = generator.pick([1, 2, 50])
    if generator.once(in: 2) {
      let content = try Sample.content(Int.random(in: 0..<contents, using: &generator))
      watches[id] = Watch(subject: .content(content), filter: nil, content: content, holderLimit: limit)
    } else {
      let prefix = generator.pick(["", "", "rfc/", "file/a", "data"])
      let collection = generator.pick([nil, nil, "rfc", "file"])
      let words = generator.pick(["", "", "host", "1", "control proto"])
      let key = generator.once(in: 4) ? try DocumentKey(generator.pick(keys)) : nil
      let filter = WatchFilter(key: key, collection: collection, prefix: prefix, words: words)
      let query = ListQuery(collection: collection, prefix: prefix, words: words)
      watches[id] = Watch(
        subject: .documents(filter), filter: (filter, query), content: nil, holderLimit: limit)
    }
    guard let watch = watches[id] else { return }
    index.watch(id, watch.subject, holderLimit: limit)
  }

  private mutating func endWatch() {
    guard let id = watches.keys.sorted(by: { $0.raw < $1.raw }).randomElement(using: &generator) else { return }
    watches[id] = nil
    index.unwatch(id)
  }

  private mutating func tellSome() {
    guard let id = watches.keys.sorted(by: { $0.raw < $1.raw }).randomElement(using: &generator) else { return }
    tell(id)
    if generator.once(in: 2) { _ = index.reconcile(id) }
  }

  private mutating func tell(_ id: WatchID) {
    guard watches[id]?.isTold == false else { return }
    watches[id]?.isTold = index.tell(id, using: &generator)
  }
}

extension DocumentIndex {
  /// All holders of a content, under any key.
  fileprivate func holders(of content: Content, _ generator: inout SeededGenerator) throws -> [Holder] {
    var collector = LookupCollector()
    _ = visit(content: content, peers: nil, holderLimit: 1000, using: &generator, visitor: &collector)
    return collector.contents.flatMap(\.holders)
  }
}
