// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import WireProtocol

/// Answers the requests of other peers from the catalogue. Blocks: call it on a thread of the pool.
///
/// Lines and connections are `UploadRole`'s.
final class UploadService: Sendable {
  /// The answer to a request.
  enum Answer: Sendable {
    case have(HaveReply)
    /// Nodes of the tree and their siblings, with their number.
    case hashes(count: Int, [UInt8])
    /// A short body, already read.
    case bytes(SharedFile?, offset: Int64, [UInt8])
    /// A long body, to be sent from the file.
    case file(SharedFile, offset: Int64, length: Int64)
  }

  /// Bodies up to this length are read and leave in one write with the header.
  private static let maxReadLength: Int64 = 64 * 1024

  let limits: PeerLimits
  private let catalogue: Catalogue
  private let changed: ChangedFiles
  private let check: PromptCheck

  /// - Parameter changed: receives shares whose file has changed or must be hashed again.
  init(ledger: ShareLedger, limits: PeerLimits = PeerLimits(), changed: ChangedFiles) {
    catalogue = ledger.catalogue
    self.limits = limits
    self.changed = changed
    check = PromptCheck(ledger: ledger, changed: changed)
  }

  func changed(_ file: SharedFile) {
    changed.notice(file.file.path)
  }

  // MARK: Operations

  func have(_ content: Content) throws(WireFailure) -> Answer {
    if content != .empty { _ = try open(content) }
    return .have(HaveReply(content))
  }

  func hashes(_ content: Content, _ query: HashesQuery) throws(WireFailure) -> Answer {
    guard
      let range = HashRange(
        layer: query.layer, index: query.index, length: Int(query.length), of: content)
    else { throw WireFailure(.invalidRange, "these hashes are outside the content's tree") }
    do throws(StoreError) {
      let shares = try catalogue.shares(of: content).filter { $0.state == .shared }
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

  /// - Parameter known: the file of the last answer on this connection.
  func get(
    _ content: Content, offset: Int64, length: Int64, known: SharedFile?
  ) throws(WireFailure) -> Answer {
    guard length <= Int64(limits.get) else {
      throw WireFailure(.tooLarge, "one get has at most \(limits.get) bytes", limit: .init("get", limits.get))
    }
    guard offset <= content.size, length <= content.size - offset else {
      throw WireFailure(.invalidRange, "the content has \(content.size) bytes")
    }
    guard length > 0 else { return .bytes(nil, offset: offset, []) }
    let file: SharedFile
    if let known, known.content == content, (try? known.checkUnchanged()) != nil {
      file = known
    } else {
      file = try open(content)
    }
    guard length <= Self.maxReadLength else { return .file(file, offset: offset, length: length) }
    return try read(file, offset: offset, length: Int(length))
  }

  private func read(_ file: SharedFile, offset: Int64, length: Int) throws(WireFailure) -> Answer {
    do throws(StoreError) {
      try file.checkUnchanged()
      var bytes = [UInt8](repeating: 0, count: length)
      let count = try bytes.withUnsafeMutableBytes { buffer in
        Result { () throws(StoreError) in try file.file.read(into: buffer, at: offset) }
      }.get()
      guard count == length else { throw StoreError(.changed, file.file.path, "is shorter than what was shared") }
      return .bytes(file, offset: offset, bytes)
    } catch {
      if error.code == .changed { changed(file) }
      throw Self.reported(error)
    }
  }

  // MARK: Files

  /// The first file with this content.
  private func open(_ content: Content) throws(WireFailure) -> SharedFile {
    let shares: [Share]
    do throws(StoreError) {
      shares = try catalogue.shares(of: content).filter { $0.state == .shared }
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
    case .vanished, .unreadable, .notAFile: WireFailure(.notFound, "this is not shared here")
    case .exhausted: WireFailure(.unavailable, "this peer has too many files open", retryAfter: 5)
    case .damagedLayer: WireFailure(.unavailable, "hashes are being rebuilt", retryAfter: 1)
    default: WireFailure(.internal, "the file cannot be read")
    }
  }
}
