// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import Glibc
import Synchronization

/// Changes what is shared, one change at a time: a decision that depends on the catalogue cannot bring back what the user
/// removes meanwhile. Blocks.
package final class ShareLedger: Sendable {
  /// What to tell the index after a change of the catalogue.
  struct Change: Sendable {
    var published: [Share] = []
    var withdrawn: [Share] = []
  }

  /// The result of a look at a file.
  struct Finding: Sendable {
    var change = Change()
    /// The fingerprint of the file, if it must be hashed.
    var unknown: FileFingerprint?
    /// Whether the only reason for hashing is that its hashes are missing.
    var lacksHashes = false
  }

  let catalogue: Catalogue
  private let turn = Mutex<Void>(())

  package init(catalogue: Catalogue) {
    self.catalogue = catalogue
  }

  /// - Returns: superseded shares: their file has another content now.
  func add(_ shares: [Share], hashed: [HashedFile]) throws(StoreError) -> [Share] {
    try exclusively { () throws(StoreError) in try catalogue.add(shares, hashed: hashed) }
  }

  /// Shares a downloaded file, unless the document is shared already from an unchanged file: a copy does not replace the
  /// original.
  /// - Parameter temporary: paths of the finished download to forget.
  /// - Returns: superseded shares: their file has another content now.
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

  /// - Parameter prefix: the first digits of the content's root; `nil` for all contents.
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

  /// Looks at a shared file: withdraws the shares that it no longer matches and restores those that it matches again.
  /// Shares without hashes stay withdrawn until the file is hashed, because others could not verify them.
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

  /// Restores the withdrawn shares of a file that was hashed.
  /// - Returns: `nil` if the file has changed again meanwhile.
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

/// What to do with a share after a look at its file.
package enum ShareVerdict: Equatable {
  /// Nothing changed.
  case keep
  /// The file is back, unchanged: share it again.
  case restore
  /// The file is gone, or was replaced by one that must not be published.
  case withdraw
  /// The file was changed or touched: withdraw it immediately, then hash it to decide.
  case examine

  /// - Parameter found: the fingerprint of the file now; `nil` if there is no file.
  package init(_ share: Share, found: FileFingerprint?) {
    let isShared = share.state == .shared
    guard let found else {
      self = isShared ? .withdraw : .keep
      return
    }
    if found == share.fingerprint {
      self = isShared ? .keep : .restore
    } else if share.origin == .added || found.size == share.content.size {
      self = .examine
    } else {
      // Editing a downloaded copy must not publish it.
      self = isShared ? .withdraw : .keep
    }
  }

  /// The share to restore after the changed file was hashed; `nil` if it stays withdrawn.
  /// - Parameter title: read from the file; `nil` keeps the old title.
  package static func renewed(
    _ share: Share, content: Content, fingerprint: FileFingerprint, title: Title?
  ) -> Share? {
    guard content == share.content || share.origin == .added else { return nil }
    let modified = content == share.content ? share.modified : Timestamp(seconds: fingerprint.modifiedSeconds)
    let document = Document(key: share.key, title: title ?? share.title, content: content, modified: modified)
    return Share(document: document, path: share.path, origin: share.origin, fingerprint: fingerprint)
  }
}

extension FileFingerprint {
  /// - Returns: `nil` if there is no regular file at the path.
  static func ofFile(_ path: String) -> FileFingerprint? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return FileFingerprint(status)
  }
}
