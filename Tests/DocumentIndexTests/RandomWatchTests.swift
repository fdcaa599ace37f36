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
    #expect(walk.index.watchCount == 0 && !walk.index.hasEvents)
    #expect(walk.index.elementCount == 0)
    #expect(walk.index.bytes == DocumentIndex().bytes)
    let none = IndexStatistics(documents: 0, records: 0, sessions: 0, peers: 0, keys: 0)
    #expect(walk.index.statistics == none)
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
  /// What counts for the addresses of open sessions.
  private var blocks: [UInt64: AddressBlock] = [:]
  /// Batches that are half added or removed.
  private var adding: [(session: UInt64, rest: ArraySlice<Document>)] = []
  private var removing: [(session: UInt64, rest: ArraySlice<DocumentID>)] = []
  private var last: UInt64 = 0
  private let keys = ["rfc/1", "rfc/10", "rfc/2", "file/a.txt", "file/a/b.txt", "data/host"]
  private let titles = ["", "Host Software", "Transmission Control Protocol", "host, a HOST"]
  private let contents = 5

  init(seed: UInt64) throws {
    generator = SeededGenerator(seed: seed)
  }

  mutating func step() throws {
    switch generator.next() % 20 {
    case 0: try openSession()
    case 1: closeSession()
    case 2: index.clear(Int.random(in: 1...3, using: &generator))
    case 3: try beginWatch()
    case 4: endWatch()
    case 5, 6: tellSome()
    case 7, 8: try removeSome()
    case 9: try beginBatches()
    case 10...12: goOn()
    default: try addSome()
    }
    try drain()
  }

  /// Lets everything settle, then compares.
  mutating func compare() throws {
    while index.needsClearing { index.clear(8) }
    try drain()
    checkHoldings()
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
    while !open.isEmpty {
      closeSession()
      goOn()
      try drain()
    }
    try compare()
    for id in watches.keys { index.unwatch(id) }
  }

  private mutating func drain() throws {
    for (id, event) in index.takeEvents() { try watches[id]?.replay.take(event) }
  }

  // MARK: Steps

  private mutating func openSession() throws {
    last += 1
    let host = generator.pick(["127.0.0.1", "192.0.2.1", "2001:db8:1:1::1", "2001:db8:1:2::1"])
    let block = host == "127.0.0.1" ? nil : HostAddress(host).map { AddressBlock($0) }
    index.open(
      SessionID(last), peer: Sample.peer(Int(last % 4)), name: try PeerName("peer\(last % 4)"), host: host, port: 1,
      block: block)
    open.append(last)
    blocks[last] = block
  }

  private mutating func closeSession() {
    guard let position = open.indices.randomElement(using: &generator) else { return }
    index.close(SessionID(open.remove(at: position)))
  }

  /// What an address holds is what its sessions hold.
  private func checkHoldings() {
    let all = open.compactMap { session in
      index.holdings(of: SessionID(session)).map { (block: blocks[session], holdings: $0) }
    }
    for (block, holdings) in all {
      for (sum, isMeant) in [
        (holdings.block, { $0 == block }), (holdings.site, { $0?.site == block?.site }),
      ] as [(SessionHoldings.Sum?, (AddressBlock?) -> Bool)] {
        guard let sum else { continue }
        let meant = all.filter { isMeant($0.block) }.map(\.holdings)
        #expect(sum.records == meant.reduce(0) { $0 + $1.records })
        #expect(sum.bytes == meant.reduce(0) { $0 + $1.bytes })
      }
      #expect((holdings.block == nil) == (block == nil) && (holdings.site == nil) == (block?.site == nil))
    }
    #expect(all.count == open.count)
  }

  private mutating func beginBatches() throws {
    guard let session = open.randomElement(using: &generator) else { return }
    let documents = try (0..<Int.random(in: 2...8, using: &generator)).map { _ in
      try Sample.document(generator.pick(keys), Int.random(in: 0..<contents, using: &generator), title: "batch title")
    }
    if generator.once(in: 2) {
      index.reserve(DocumentIndex.mostBytes(of: documents), for: SessionID(session))
      adding.append((session, documents[...]))
    } else {
      removing.append((session, documents.map(\.id)[...]))
    }
  }

  /// A slice of each batch; its session may be closed meanwhile.
  private mutating func goOn() {
    for number in adding.indices {
      var slice = adding[number].rest.prefix(2)
      adding[number].rest = adding[number].rest.dropFirst(2)
      _ = index.addFirst(of: &slice, by: SessionID(adding[number].session))
      #expect(slice.isEmpty)
      if adding[number].rest.isEmpty { index.reserve(0, for: SessionID(adding[number].session)) }
    }
    adding.removeAll { $0.rest.isEmpty }
    for number in removing.indices {
      var slice = removing[number].rest.prefix(2)
      removing[number].rest = removing[number].rest.dropFirst(2)
      _ = index.removeFirst(of: &slice, by: SessionID(removing[number].session))
    }
    removing.removeAll { $0.rest.isEmpty }
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
