// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
// The limits; no message.
import WireProtocol

/// Why the index refuses what a session asks for.
enum IndexRefusal: Error {
  /// The session named no port: nobody could fetch its documents.
  case noPort
  /// TLS has proven another id than `hello` claims.
  case otherID(proven: PeerID)
  /// A live session proves the id that this one only claims.
  case idInUse
  /// The session comes from an address that is meaningful on one link only.
  case unreachable(host: String)
  /// The batch could take the session beyond its limit.
  case tooManyRecords(limit: Int)
  /// The address could have more records than it may.
  case tooManyRecordsOfAddress(limit: Int)
  /// The batch could take the index beyond the memory that it may use.
  case tooMuchMemory(limit: Int)
  /// The same for the share of one address.
  case tooMuchMemoryOfAddress(limit: Int)
}

/// What became of documents that were to be added.
struct Addition {
  /// New records.
  var added = 0
  /// Positions of those that the session may not add.
  var refused: [Int] = []
}

/// One peer at the index, from its greeting to the end of its connection. Its records live exactly as long. For its event
/// loop only.
final class IndexSession {
  /// Where others can fetch what the session adds.
  private enum Offer {
    case none
    case unreachable
    case at(host: String, port: UInt16)
  }

  /// Rows of a page if the request names no limit.
  private static var defaultPage: Int { 100 }

  /// Documents that are removed before others may have their turn: some 100 µs at most.
  static let slice = 8
  /// What documents may take that are added before others may have their turn, in bytes: most of it is for words, and so is
  /// the time. Some 100 µs.
  private static let addedBytes = 20 * 1024

  let origin: Origin
  /// Whether it is reported under the address that it advertises; `nil` if it advertises none.
  let isAdvertised: Bool?
  let id: SessionID
  private let peer: PeerID
  private let isProven: Bool
  private let service: IndexService
  private let reader: IndexReader
  private let offer: Offer

  /// - Parameters:
  ///   - reader: of its event loop.
  ///   - port: where it serves what it shares; `nil` if it only looks up.
  ///   - advertised: the address under which it wants to be reported; used if the service allows it.
  ///   - proven: the id that TLS has proven; `nil` on plain connections.
  ///   - end: closes the connection when another one proves the id; called from any thread.
  init(
    service: IndexService, reader: IndexReader, peer: PeerID, name: PeerName, port: UInt16?, advertised: HostAddress?,
    origin: Origin, proven: PeerID?, end: @escaping @Sendable () -> Void
  ) throws(IndexRefusal) {
    if let proven, proven != peer { throw .otherID(proven: proven) }
    id = service.newSession()
    self.peer = peer
    isProven = proven != nil
    guard service.ids.enter(peer, id, isProven: isProven, end: end) else { throw .idInUse }
    let isAllowed = advertised.map { service.addresses.mayAdvertise($0) }
    self.service = service
    self.reader = reader
    self.origin = origin
    isAdvertised = isAllowed
    offer =
      switch (port, advertised) {
      case (nil, _): .none
      case (let port?, let advertised?) where isAllowed == true: .at(host: advertised.text, port: port)
      case (let port?, _): origin.isLinkLocal ? .unreachable : .at(host: origin.host, port: port)
      }
    guard case .at(let host, let port) = offer else {
      _ = service.withIndex { [id] in $0.open(id, peer: peer, name: name, host: "", port: nil, block: origin.block) }
      return
    }
    let holder = Holder(peer: peer, name: name, host: host, port: port, complete: true, proven: isProven)
    let label = HolderLabel(holder.label, isLocal: HolderAddresses.isLoopback(host))
    _ = service.withIndex { [id, isProven] index in
      index.open(
        id, peer: peer, name: name, host: host, port: port, block: origin.block, label: label, proven: isProven)
    }
  }

  /// Forgets the session; what it has added is gone from all answers.
  func close() {
    service.ids.leave(peer, id, isProven: isProven)
    service.close(id)
  }

  // MARK: Records

  var hasRecords: Bool {
    service.read(reader) { $0.records(of: id) } > 0
  }

  /// Begins to add a batch, of which all is taken or nothing: `add` slices of the rest, then `endAdding`. Usually a batch of
  /// one slice has no rest.
  /// - Parameter rights: `nil` if the session may add everything.
  /// - Returns: what became of the documents so far.
  func beginAdding(
    _ documents: [Document], _ rights: inout AddRights?
  ) throws(IndexRefusal) -> (added: Addition, rest: ArraySlice<Document>) {
    switch offer {
    case .at: break
    case .none: throw .noPort
    case .unreachable: throw .unreachable(host: origin.host)
    }
    let limits = service.limits(for: reader)
    let bytes = DocumentIndex.mostBytes(of: documents)
    let (added, left, refusal) = service.withIndex { [id] index -> (Addition, Int, IndexRefusal?) in
      guard let holdings = index.holdings(of: id) else { return (Addition(), 0, nil) }
      if let refusal = Self.refusal(holdings, index.bytes, documents.count, bytes, limits) {
        return (Addition(), 0, refusal)
      }
      var rest = documents[...]
      let added = bytes <= Self.addedBytes ? Self.add(firstOf: &rest, by: id, &rights, to: index) : Addition()
      if !rest.isEmpty { index.reserve(bytes, for: id) }
      return (added, rest.count, nil)
    }
    if let refusal { throw refusal }
    return (added, documents.suffix(left))
  }

  private static func refusal(
    _ holdings: SessionHoldings, _ total: Int, _ documents: Int, _ bytes: Int, _ limits: IndexLimits
  ) -> IndexRefusal? {
    if holdings.records + documents > limits.records { return .tooManyRecords(limit: limits.records) }
    if total + bytes > limits.recordMemory { return .tooMuchMemory(limit: limits.memory) }
    for (sum, shares) in [(holdings.block, 1), (holdings.site, AddressBlock.sharesOfSite)] {
      guard let sum else { continue }
      if let limit = limits.recordsPerAddress, sum.records + documents > limit * shares {
        return .tooManyRecordsOfAddress(limit: limit)
      }
      if let limit = limits.memoryPerAddress, sum.bytes + bytes > limit * shares {
        return .tooMuchMemoryOfAddress(limit: limit)
      }
    }
    return nil
  }

  /// As many documents as are added before others may have their turn.
  private func slice(of documents: ArraySlice<Document>) -> ArraySlice<Document> {
    var (end, left) = (documents.startIndex, Self.addedBytes)
    while end < documents.endIndex, left > 0 {
      left -= DocumentIndex.mostBytes(of: documents[end])
      end += 1
    }
    return documents[..<end]
  }

  /// Adds a slice of the documents, and takes it out.
  func add(_ documents: inout ArraySlice<Document>, _ rights: inout AddRights?) -> Addition {
    let slice = slice(of: documents)
    let (added, left) = service.withIndex { [id] index in
      var rest = slice
      return (Self.add(firstOf: &rest, by: id, &rights, to: index), rest.count)
    }
    documents = documents.dropFirst(slice.count - left)
    return added
  }

  /// Adds documents, and takes them out, until watchers have as many events as they may, or as many holders were looked at.
  private static func add(
    firstOf documents: inout ArraySlice<Document>, by id: SessionID, _ rights: inout AddRights?, to index: DocumentIndex
  ) -> Addition {
    guard var judge = rights.take() else { return Addition(added: index.addFirst(of: &documents, by: id)) }
    defer { rights = judge }
    var (addition, looks) = (Addition(), AddRights.looksOfSlice)
    while let document = documents.first, !index.isCrowdedWithEvents {
      switch judge.judge(document, of: id, in: index, looks: &looks) {
      case .admitted(let admitted):
        addition.added += index.add(CollectionOfOne(admitted), by: id)
      case .refused: addition.refused.append(documents.startIndex)
      case .undecided: return addition
      }
      documents.removeFirst()
    }
    return addition
  }

  func endAdding() {
    service.withIndex { [id] in $0.reserve(0, for: id) }
  }

  /// The same for records to be dropped.
  /// - Returns: the number of records that the session had.
  func remove(_ documents: inout ArraySlice<DocumentID>) -> Int {
    let slice = documents.prefix(Self.slice)
    let (removed, left) = service.withIndex { [id] index in
      var rest = slice
      return (index.removeFirst(of: &rest, by: id), rest.count)
    }
    documents = documents.dropFirst(slice.count - left)
    return removed
  }

  // MARK: Questions

  /// For one answer at a time.
  var emptyBuffer: RowBuffer {
    buffer.removeAll()
    return buffer
  }

  var buffer: RowBuffer { reader.buffer }

  /// Look-ups that are answered in one go at most, so that who changes the index need not wait.
  private static let maxAtOnce = 16

  /// Answers usual look-ups under one lock, into the buffer.
  /// - Parameter room: for their answers, in bytes.
  /// - Returns: the number of bytes that are answered.
  func answer(
    usualLookups lines: UnsafeRawBufferPointer, room: Int, using generator: inout SampleGenerator
  ) -> Int {
    var (answered, left) = (0, Self.maxAtOnce)
    guard var line = UsualLookup(lines, at: 0) else { return 0 }
    let (buffer, asker) = (emptyBuffer, origin.asker)
    let (holders, contents) = (reader.limits.holders, reader.limits.contents)
    service.read(reader) { index in
      while true {
        var writer = LookupWriter(line, asker: asker, buffer)
        let outcome = index.visit(
          key: line.key, holderLimit: holders, contentLimit: contents, using: &generator, visitor: &writer)
        guard case .found = outcome else { break }
        writer.finish(outcome)
        (answered, left) = (line.end, left - 1)
        guard left > 0, buffer.count < room, let next = UsualLookup(lines, at: answered) else { break }
        line = next
      }
    }
    return answered
  }

  /// The contents under a key and their holders, most-held first.
  func lookup(
    key: DocumentKey, using generator: inout SampleGenerator, visitor: inout some LookupVisitor
  ) -> LookupOutcome {
    key.text.utf8Span.span.withUnsafeBytes { lookup(key: $0, using: &generator, visitor: &visitor) }
  }

  /// - Parameter key: as it arrived; an invalid one is not found.
  func lookup(
    key: UnsafeRawBufferPointer, using generator: inout SampleGenerator, visitor: inout some LookupVisitor
  ) -> LookupOutcome {
    service.refresh(reader)
    let (holders, contents) = (reader.limits.holders, reader.limits.contents)
    return service.read(reader) { index in
      index.visit(key: key, holderLimit: holders, contentLimit: contents, using: &generator, visitor: &visitor)
    }
  }

  /// A content and its holders under any key.
  /// - Returns: whether there are any; if not, nothing was visited.
  func lookup(
    content: Content, peers: DigestPrefix?, using generator: inout SampleGenerator, visitor: inout some LookupVisitor
  ) -> Bool {
    let limits = service.limits(for: reader)
    return service.read(reader) { index in
      index.visit(
        content: content, peers: peers, holderLimit: limits.holders, using: &generator, visitor: &visitor)
    }
  }

  /// Certain contents under a key, or those of certain peers.
  func search(_ key: DocumentKey, _ contents: ContentPrefix?, _ peers: DigestPrefix?) -> LookupSearch {
    LookupSearch(
      key: key, roots: contents?.roots, size: contents?.size, peers: peers,
      contentLimit: service.limits(for: reader).contents)
  }

  /// Contents that a look-up looks at before others may have their turn: some 100 µs.
  private static let lookupSlice = 512

  func advance(_ search: inout LookupSearch) {
    service.read(reader) { $0.advance(&search, Self.lookupSlice) }
  }

  func visit(
    _ search: LookupSearch, using generator: inout SampleGenerator, visitor: inout some LookupVisitor
  ) -> LookupOutcome {
    let limits = service.limits(for: reader)
    return service.read(reader) { index in
      index.visit(search, holderLimit: limits.holders, using: &generator, visitor: &visitor)
    }
  }

  /// - Parameter limit: maximum rows; `nil` for the default.
  func search(_ query: ListQuery, limit: Int?, after position: ListPosition?) -> ListSearch {
    ListSearch(query, limit: min(limit ?? Self.defaultPage, service.limits(for: reader).page), after: position)
  }

  func page(id: Int64, _ search: ListSearch) -> PageWriter {
    PageWriter(id: id, asker: origin.asker, rows: search.limit, ready: reader.readyRows)
  }

  /// Does a slice of the work for a page.
  func advance(
    _ search: inout ListSearch, using generator: inout SampleGenerator, visitor: inout some ListVisitor
  ) {
    service.read(reader) { $0.advance(&search, using: &generator, visitor: &visitor) }
  }

  func peers(limit: Int?, after: HolderID?) -> PeerPage {
    let limit = min(limit ?? Self.defaultPage, service.limits(for: reader).page)
    return service.read(reader) { $0.peers(limit: limit, after: after) }
  }
}

/// Chooses which of many holders are shown: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014). The system's generator would cost a system call for each look-up.
struct SampleGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
