// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import DocumentModel
import Synchronization

/// Changes what is shared. What is decided by what the catalogue says happens with nobody changing it meanwhile, so that
/// nothing comes back that its user has just removed. Blocks.
package final class ShareLedger: Sendable {
  /// What a change of the catalogue means for the index.
  struct Change: Sendable {
    var published: [Share] = []
    var withdrawn: [Share] = []
  }

  /// What a look at a file has shown.
  struct Finding: Sendable {
    var change = Change()
    /// Of the file, where its bytes have to be looked into.
    var unknown: FileFingerprint?
    /// Whether this is only because hashes of it are missing.
    var lacksHashes = false
  }

  let catalogue: Catalogue
  private let turn = Mutex<Void>(())

  package init(catalogue: Catalogue) {
    self.catalogue = catalogue
  }

  /// - Returns: shares that are no more, because their file has another content now.
  func add(_ shares: [Share], hashed: [HashedFile]) throws(StoreError) -> [Share] {
    try exclusively { () throws(StoreError) in try catalogue.add(shares, hashed: hashed) }
  }

  /// Shares what was fetched, unless it is shared already from a file that is what it was: a copy of one's own document
  /// does not take its place.
  /// - Parameter temporary: the path of the file in the making, done with now.
  /// - Returns: shares that are no more, because their file has another content now.
  func add(_ share: Share, fetched file: HashedFile, forgetting temporary: [String]) throws(StoreError) -> [Share] {
    try exclusively { () throws(StoreError) in
      let isShared = try catalogue.shares(under: share.key).contains { old in
        old.content == share.content && old.state == .shared
          && ShareVerdict(old, found: FileFingerprint.ofFile(old.path)) == .keep
      }
      guard isShared else { return try catalogue.add([share], hashed: [file], forgetting: temporary) }
      return temporary.isEmpty ? [] : try catalogue.add([], forgetting: temporary)
    }
  }

  /// - Parameter prefix: the beginning of the root; `nil` for all contents.
  func remove(_ key: DocumentKey, contentPrefix prefix: String?) throws(StoreError) -> [Share] {
    try exclusively { () throws(StoreError) in
      guard let prefix else { return try catalogue.remove(key) }
      var removed = [Share]()
      for share in try catalogue.shares(under: key) where share.content.root.hex.hasPrefix(prefix) {
        removed += try catalogue.remove(key, content: share.content)
      }
      return removed
    }
  }

  /// Looks at the file of some shares: takes back what it no longer stands for, shares again what it stands for again.
  /// What others could not prove for want of hashes is not shared until its bytes were looked into.
  func check(_ path: String) throws(StoreError) -> Finding {
    try exclusively { () throws(StoreError) in
      let shares = try catalogue.shares(at: path)
      let found = FileFingerprint.ofFile(path)
      var verdicts = shares.map { ShareVerdict($0, found: found) }
      var finding = Finding()
      let hasChanged = verdicts.contains(.withdraw) || verdicts.contains(.examine)
      for (position, share) in shares.enumerated() where share.fingerprint == found {
        guard try !catalogue.hasLeaves(of: share.content) else { continue }
        verdicts[position] = .examine
        finding.lacksHashes = !hasChanged
      }
      if verdicts.contains(.withdraw) || verdicts.contains(.examine) {
        finding.change.withdrawn = try catalogue.withdraw(path: path)
      }
      let restored = zip(shares, verdicts).filter { share, verdict in
        verdict == .restore || (verdict == .keep && finding.change.withdrawn.contains(share))
      }
      finding.change.published = try restore(restored.map(\.0))
      if verdicts.contains(.examine) { finding.unknown = found }
      return finding
    }
  }

  /// After the bytes of a changed file are known.
  /// - Returns: `nil` where it has changed again meanwhile.
  func renew(_ path: String, _ known: FileWork.Known) throws(StoreError) -> Change? {
    try exclusively { () throws(StoreError) in
      guard FileFingerprint.ofFile(path) == known.fingerprint else { return nil }
      let renewed = try catalogue.shares(at: path).filter { $0.state == .withdrawn }.compactMap { share in
        ShareVerdict.renewed(share, content: known.content, fingerprint: known.fingerprint, title: known.title)
      }
      let superseded = try catalogue.add(renewed, hashed: known.hashed.map { [$0] } ?? [])
      return Change(published: renewed, withdrawn: superseded)
    }
  }

  private func restore(_ shares: [Share]) throws(StoreError) -> [Share] {
    guard !shares.isEmpty else { return [] }
    let restored = shares.map { share in
      Share(document: share.document, path: share.path, origin: share.origin, fingerprint: share.fingerprint)
    }
    _ = try catalogue.add(restored)
    return restored
  }

  private func exclusively<Value: Sendable>(
    _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try turn.withLock { _ in Result { () throws(StoreError) in try body() } }.get()
  }
}
