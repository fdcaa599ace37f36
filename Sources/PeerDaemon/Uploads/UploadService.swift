// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import WireProtocol

/// Answers the requests of other peers from the catalogue and from unfinished downloads, as far as these belong to the
/// network. Blocks: call it on a thread of the pool.
///
/// Lines and connections are `UploadRole`'s.
final class UploadService: Sendable {
  /// The answer to a request.
  enum Answer: Sendable {
    case have(HaveReply)
    /// Nodes of the tree and their siblings, with their number.
    case hashes(count: Int, [UInt8])
    /// A short body, already read.
    case bytes(ServedFile?, offset: Int64, [UInt8])
    /// A long body, to be sent from the file, whose beginning is checked.
    case file(ServedFile, offset: Int64, length: Int64, BodySender.Beginning)
  }

  /// Bodies up to this length are read and leave in one write with the header; under a limit of the rate only one block.
  private static let maxReadLength: Int64 = 64 * 1024
  private static let maxLimitedReadLength = PieceGeometry.blockLength

  let limits: PeerLimits
  let partials: PartialHoldings
  private let catalogue: Catalogue
  private let changed: ChangedFiles
  private let check: PromptCheck
  private let passes: PassKeeper

  /// - Parameters:
  ///   - passes: says in which network this peer serves.
  ///   - changed: receives shares whose file has changed or must be hashed again.
  init(
    ledger: ShareLedger, partials: PartialHoldings, passes: PassKeeper, limits: PeerLimits = PeerLimits(),
    changed: ChangedFiles
  ) {
    catalogue = ledger.catalogue
    self.partials = partials
    self.passes = passes
    self.limits = limits
    self.changed = changed
    check = PromptCheck(ledger: ledger, changed: changed)
  }

  /// A file could not be served to the end.
  func failed(_ file: ServedFile, _ error: StoreError) {
    guard case .share(let share) = file, error.code != .exhausted else { return }
    changed.notice(share.file.path)
  }

  // MARK: Operations

  /// - Parameter subscriber: is told what a partial holding gets from now on.
  func have(_ content: Content, _ subscriber: HaveSubscriber) throws(WireFailure) -> Answer {
    guard content != .empty else { return .have(HaveReply(content)) }
    guard case .partial = try open(content) else { return .have(HaveReply(content)) }
    // First the subscription, then the state: nothing is missed in between.
    guard let holding = partials.subscribe(subscriber, to: content, in: passes.home) else {
      throw Self.reported(Self.notShared)
    }
    return .have(HaveReply(content, pieces: holding.partial.proven))
  }

  func hashes(_ content: Content, _ query: HashesQuery) throws(WireFailure) -> Answer {
    let range = try range(query, of: content)
    do throws(StoreError) {
      let shares = try self.shares(of: content)
      if shares.isEmpty, let holding = partials.find(content, in: passes.home) { return try hashes(range, of: holding) }
      guard !shares.isEmpty else { throw Self.notShared }
      guard let hashes = try catalogue.hashes(range, of: content) else {
        for share in shares { changed.notice(share.path) }
        throw StoreError(.damagedLayer, "hashes of \(content)", "are missing or damaged")
      }
      return .hashes(count: range.hashCount, hashes)
    } catch {
      throw Self.reported(error)
    }
  }

  /// The cost of an answer, in bytes sent or what takes as long.
  static func cost(_ query: HashesQuery, of content: Content) -> Int64 {
    let range = HashRange(layer: query.layer, index: query.index, length: Int(query.length), of: content)
    return UploadTurns.requestCost + (range?.workCount ?? 0) * UploadTurns.nodeCost
  }

  private func range(_ query: HashesQuery, of content: Content) throws(WireFailure) -> HashRange {
    guard
      let range = HashRange(
        layer: query.layer, index: query.index, length: Int(query.length), of: content)
    else { throw WireFailure(.invalidRange, "these hashes are outside the content's tree") }
    return range
  }

  private func hashes(_ range: HashRange, of holding: PartialHolding) throws(StoreError) -> Answer {
    guard !range.spansGroups, let hashes = try holding.partial.hashes(range) else {
      throw StoreError(.vanished, "hashes of \(holding.content)", "are not known yet")
    }
    return .hashes(count: range.hashCount, hashes)
  }

  /// - Parameters:
  ///   - known: the file of the last answer on this connection.
  ///   - isLimited: whether the rate of uploads is limited.
  ///   - isSecure: whether the connection has TLS.
  func get(
    _ content: Content, offset: Int64, length: Int64, known: ServedFile?, isLimited: Bool = false,
    isSecure: Bool = false
  ) throws(WireFailure) -> Answer {
    guard length <= Int64(limits.get) else {
      throw WireFailure(.tooLarge, "one get has at most \(limits.get) bytes", limit: .init("get", limits.get))
    }
    guard offset <= content.size, length <= content.size - offset else {
      throw WireFailure(.invalidRange, "the content has \(content.size) bytes")
    }
    guard length > 0 else { return .bytes(nil, offset: offset, []) }
    let file: ServedFile
    if let known, known.content == content, known.belongs(to: passes.home), isCurrent(known) {
      file = known
    } else {
      file = try open(content)
    }
    if case .partial(let holding) = file, !holding.has(offset, length) {
      throw WireFailure(.notFound, "this peer does not have this part yet")
    }
    guard length > (isLimited ? Self.maxLimitedReadLength : Self.maxReadLength) else {
      return try read(file, offset: offset, length: Int(length))
    }
    let prepared = min(length, BodySender.partLength)
    let beginning: BodySender.Beginning
    if isSecure {
      do throws(StoreError) { beginning = .read(try read(file, offset, prepared).get()) } catch {
        throw Self.reported(error)
      }
    } else {
      if let error = prepare(file, offset, prepared) { throw Self.reported(error) }
      beginning = .cached(prepared)
    }
    return .file(file, offset: offset, length: length, beginning)
  }

  /// Whether a request can be answered together with others: it is for a whole short document.
  static func isForWhole(_ content: Content, offset: Int64, length: Int64) -> Bool {
    offset == 0 && length == content.size && length <= maxReadLength
  }

  /// Whole short documents, with one look into the catalogue.
  func get(_ contents: [Content]) -> [Result<Answer, WireFailure>] {
    let shares = (try? catalogue.sharedFiles(of: contents, in: passes.home)) ?? [:]
    return contents.map { content in
      Result { () throws(WireFailure) in
        if let share = shares[content], let file = try? SharedFile(share) {
          return try read(.share(file), offset: 0, length: Int(content.size))
        }
        return try get(content, offset: 0, length: content.size, known: nil)
      }
    }
  }

  /// Checks a file and reads a part of it into the page cache.
  func prepare(_ file: ServedFile, _ offset: Int64, _ length: Int64) -> StoreError? {
    do throws(StoreError) {
      try file.checkUnchanged()
      try file.file.load(length, at: offset)
      return nil
    } catch {
      failed(file, error)
      return error
    }
  }

  /// Checks a file and reads a part of it, for a connection that cannot send from the page cache.
  func read(_ file: ServedFile, _ offset: Int64, _ length: Int64) -> Result<ByteBuffer, StoreError> {
    var buffer = ByteBufferAllocator().buffer(capacity: Int(length))
    do throws(StoreError) {
      try file.checkUnchanged()
      var outcome = Result<Int, StoreError>.success(0)
      buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(length)) { bytes in
        let wanted = UnsafeMutableRawBufferPointer(rebasing: bytes[..<Int(length)])
        outcome = Result { () throws(StoreError) in try file.file.read(into: wanted, at: offset) }
        return (try? outcome.get()) ?? 0
      }
      guard try outcome.get() == Int(length) else {
        throw StoreError(.changed, file.file.path, "is shorter than what was shared")
      }
      return .success(buffer)
    } catch {
      failed(file, error)
      return .failure(error)
    }
  }

  private func read(_ file: ServedFile, offset: Int64, length: Int) throws(WireFailure) -> Answer {
    do throws(StoreError) {
      try file.checkUnchanged()
      var bytes = [UInt8](repeating: 0, count: length)
      let count = try bytes.withUnsafeMutableBytes { buffer in
        Result { () throws(StoreError) in try file.file.read(into: buffer, at: offset) }
      }.get()
      guard count == length else { throw StoreError(.changed, file.file.path, "is shorter than what was shared") }
      return .bytes(file, offset: offset, bytes)
    } catch {
      failed(file, error)
      throw Self.reported(error)
    }
  }

  // MARK: Files

  private func isCurrent(_ file: ServedFile) -> Bool {
    switch file {
    case .share(let file): (try? file.checkUnchanged()) != nil
    case .partial(let holding): partials.find(holding.content, in: holding.home)?.partial === holding.partial
    }
  }

  /// The first file with this content, or else the unfinished download of it.
  private func open(_ content: Content) throws(WireFailure) -> ServedFile {
    do throws(WireFailure) {
      return .share(try openShare(content))
    } catch {
      guard let holding = partials.find(content, in: passes.home) else { throw error }
      return .partial(holding)
    }
  }

  /// Those that are served in this network.
  private func shares(of content: Content) throws(StoreError) -> [Share] {
    let network = passes.home
    return try catalogue.shares(of: content).filter { $0.isShared(in: network) }
  }

  private func openShare(_ content: Content) throws(WireFailure) -> SharedFile {
    let shares: [Share]
    do throws(StoreError) {
      shares = try self.shares(of: content)
    } catch {
      throw Self.reported(error)
    }
    var failure: WireFailure?
    for share in shares {
      do throws(WireFailure) {
        return try open(share)
      } catch {
        // That another file is gone must not hide that waiting helps.
        if failure?.retryAfter == nil { failure = error }
      }
    }
    throw failure ?? Self.reported(Self.notShared)
  }

  private func open(_ share: Share) throws(WireFailure) -> SharedFile {
    do throws(StoreError) {
      return try SharedFile(share)
    } catch {
      guard error.code == .changed else {
        changed.notice(share.path)
        throw Self.reported(error)
      }
    }
    let renewed = try check.share(share)
    do throws(StoreError) { return try SharedFile(renewed) } catch { throw Self.reported(error) }
  }

  private static let notShared = StoreError(.vanished, "content", "is not shared here")

  /// The failure reported to other peers, without paths.
  private static func reported(_ error: StoreError) -> WireFailure {
    switch error.code {
    case .changed: WireFailure(.changed, "the file is no longer what was shared")
    case .vanished, .unreadable, .notAFile, .isPrivate: WireFailure(.notFound, "this is not shared here")
    case .exhausted: WireFailure(.unavailable, "this peer has too many files open", retryAfter: 5)
    case .damagedLayer: WireFailure(.unavailable, "hashes are being rebuilt", retryAfter: 1)
    case .catalogueDamaged: WireFailure(.unavailable, "this peer is being repaired", retryAfter: 2)
    default: WireFailure(.internal, "the file cannot be read")
    }
  }
}
