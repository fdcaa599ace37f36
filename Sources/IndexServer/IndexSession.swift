// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
// The limits; no message.
import WireProtocol

/// Why the index refuses what a session asks for.
enum IndexRefusal: Error {
  /// The session named no port: nobody could fetch its documents.
  case noPort
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
  private let id: SessionID
  private let service: IndexService
  private let reader: IndexReader
  private let offer: Offer

  /// - Parameters:
  ///   - reader: of its event loop.
  ///   - port: where it serves what it shares; `nil` if it only looks up.
  ///   - advertised: the address under which it wants to be reported; used if the service allows it.
  init(
    service: IndexService, reader: IndexReader, peer: PeerID, name: PeerName, port: UInt16?, advertised: HostAddress?,
    origin: Origin
  ) {
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
    id = service.newSession()
    guard case .at(let host, let port) = offer else {
      _ = service.withIndex { [id] in $0.open(id, peer: peer, name: name, host: "", port: nil, block: origin.block) }
      return
    }
    let holder = Holder(peer: peer, name: name, host: host, port: port, complete: true)
    let label = HolderLabel(holder.label, isLocal: HolderAddresses.isLoopback(host))
    _ = service.withIndex { [id] index in
      index.open(id, peer: peer, name: name, host: host, port: port, block: origin.block, label: label)
    }
  }

  /// Forgets the session; what it has added is gone from all answers.
  func close() {
    service.close(id)
  }

  // MARK: Records

  var hasRecords: Bool {
    service.read(reader) { $0.pointee.index.records(of: id) } > 0
  }

  /// Begins to add a batch, of which all is taken or nothing: `add` its slices, then `endAdding`. A batch of one slice is
  /// added already.
  /// - Parameter rights: `nil` if the session may add everything.
  /// - Returns: what became of it, if it is added.
  func beginAdding(_ documents: [Document], _ rights: AddRights? = nil) throws(IndexRefusal) -> Addition? {
    switch offer {
    case .at: break
    case .none: throw .noPort
    case .unreachable: throw .unreachable(host: origin.host)
    }
    let limits = service.limits(for: reader)
    let bytes = DocumentIndex.mostBytes(of: documents)
    let (added, refusal) = service.withIndex { [id] index -> (Addition?, IndexRefusal?) in
      guard let holdings = index.holdings(of: id) else { return (Addition(), nil) }
      if let refusal = Self.refusal(holdings, index.bytes, documents.count, bytes, limits) { return (nil, refusal) }
      if bytes <= Self.addedBytes { return (Self.add(documents[...], by: id, rights, to: index), nil) }
      index.reserve(bytes, for: id)
      return (nil, nil)
    }
    if let refusal { throw refusal }
    return added
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
  func slice(of documents: ArraySlice<Document>) -> ArraySlice<Document> {
    var (end, left) = (documents.startIndex, Self.addedBytes)
    while end < documents.endIndex, left > 0 {
      left -= DocumentIndex.mostBytes(of: documents[end...end])
      end += 1
    }
    return documents[..<end]
  }

  func add(_ slice: ArraySlice<Document>, _ rights: AddRights? = nil) -> Addition {
    service.withIndex { [id] in Self.add(slice, by: id, rights, to: $0) }
  }

  private static func add(
    _ documents: ArraySlice<Document>, by id: SessionID, _ rights: AddRights?, to index: DocumentIndex
  ) -> Addition {
    guard let rights else { return Addition(added: index.add(documents, by: id)) }
    let (admitted, refused) = rights.judge(documents, of: id, in: index)
    return Addition(added: index.add(admitted, by: id), refused: refused)
  }

  func endAdding() {
    service.withIndex { [id] in $0.reserve(0, for: id) }
  }

  /// - Returns: the number of records that the session had.
  func remove(_ slice: ArraySlice<DocumentID>) -> Int {
    service.withIndex { [id] in $0.remove(slice, by: id) }
  }

  // MARK: Questions

  /// For one answer at a time.
  var buffer: RowBuffer {
    reader.buffer.removeAll()
    return reader.buffer
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
    let limits = service.limits(for: reader)
    return service.read(reader) { shared in
      shared.pointee.index.visit(
        key: key, holderLimit: limits.holders, contentLimit: limits.contents, using: &generator, visitor: &visitor)
    }
  }

  /// A content and its holders under any key.
  /// - Returns: whether there are any; if not, nothing was visited.
  func lookup(
    content: Content, peers: DigestPrefix?, using generator: inout SampleGenerator, visitor: inout some LookupVisitor
  ) -> Bool {
    let limits = service.limits(for: reader)
    return service.read(reader) { shared in
      shared.pointee.index.visit(
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
    service.read(reader) { $0.pointee.index.advance(&search, Self.lookupSlice) }
  }

  func visit(
    _ search: LookupSearch, using generator: inout SampleGenerator, visitor: inout some LookupVisitor
  ) -> LookupOutcome {
    let limits = service.limits(for: reader)
    return service.read(reader) { shared in
      shared.pointee.index.visit(search, holderLimit: limits.holders, using: &generator, visitor: &visitor)
    }
  }

  /// - Parameter limit: maximum rows; `nil` for the default.
  func search(_ query: ListQuery, limit: Int?, after position: ListPosition?) -> ListSearch {
    ListSearch(query, limit: min(limit ?? Self.defaultPage, service.limits(for: reader).page), after: position)
  }

  /// Does a slice of the work for a page.
  func advance(
    _ search: inout ListSearch, using generator: inout SampleGenerator, visitor: inout some ListVisitor
  ) {
    service.read(reader) { $0.pointee.index.advance(&search, using: &generator, visitor: &visitor) }
  }

  func peers(limit: Int?, after: HolderID?) -> PeerPage {
    let limit = min(limit ?? Self.defaultPage, service.limits(for: reader).page)
    return service.read(reader) { $0.pointee.index.peers(limit: limit, after: after) }
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
