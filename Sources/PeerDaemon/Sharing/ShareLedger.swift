// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import DocumentModel
import POSIXSupport
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
  let places: PrivatePlaces
  /// Watches the directories of the files that are shared.
  let watch = FileWatch()
  private let turn = Mutex<Void>(())

  /// - Parameter places: nothing in them is ever shared.
  package init(catalogue: Catalogue, places: PrivatePlaces = PrivatePlaces([])) {
    self.catalogue = catalogue
    self.places = places
  }

  /// Shares files that the user names.
  /// - Returns: superseded shares: their file has another content now, or has been moved to one of these.
  func add(_ shares: [Share], hashed: [HashedFile]) throws(StoreError) -> [Share] {
    watch.add(directoriesOf: shares.lazy.map(\.path))
    return try exclusively { () throws(StoreError) in
      let others = try otherFiles(of: shares)
      var (added, gone) = ([Share](), [Share]())
      for share in shares {
        var audience = share.audience
        for other in others[share.id] ?? [] {
          if FileObservation(at: other.path) == .missing {
            gone.append(other)
            // A file that was moved keeps its networks.
            if share.fingerprint.isMoved(from: other.fingerprint) { audience = other.audience.union(audience) }
          } else if other.state == .shared, other.audience == share.audience {
            // The last description counts where both are known.
            added.append(other.with(document: share.document))
          }
        }
        added.append(share.with(audience: audience))
      }
      let superseded = try catalogue.add(added, hashed: hashed)
      try catalogue.remove(gone)
      return superseded + gone
    }
  }

  /// Other files that have the same documents, if there are any.
  private func otherFiles(of shares: [Share]) throws(StoreError) -> [DocumentID: [Share]] {
    let paths = Set(shares.map(\.path))
    return try catalogue.shares(shares.map(\.id)).mapValues { $0.filter { !paths.contains($0.path) } }
  }

  /// A download is about to name files at these paths. What is shared from there ends, also under other keys and in other
  /// networks: what was fetched must not pass for an edit of what was shared.
  /// - Parameter replacing: false if a file that is there stays.
  /// - Returns: the shares that have ended.
  func end(at paths: [String], replacing: Bool) throws(StoreError) -> [Share] {
    try exclusively { () throws(StoreError) in
      let ending = try catalogue.shares(atAll: paths).filter { replacing || FileObservation(at: $0.key) == .missing }
        .flatMap(\.value)
      try catalogue.remove(ending)
      return ending
    }
  }

  /// Shares downloaded files in one transaction, except documents that the network has already from another unchanged file: a
  /// copy does not replace the original. One of other networks only is left to these, with what it becomes.
  /// - Parameters:
  ///   - wereThere: whether the files lay at their targets. Those that are shared in other networks only are left to these:
  ///     a download releases nothing, because nobody in its network may have the bytes.
  ///   - home: the network in which their downloads began.
  ///   - temporary: paths of a finished download to forget.
  ///   - download: its row.
  /// - Returns: superseded shares: their file has another content now.
  func add(
    fetched files: [(document: Document, file: HashedFile)], wereThere: Bool = false, in home: Home,
    forgetting temporary: [String] = [], finishing download: DownloadRecord? = nil
  ) throws(StoreError) -> [Share] {
    watch.add(directoriesOf: files.lazy.map(\.file.path))
    return try exclusively { () throws(StoreError) in
      var files = files
      if wereThere {
        let shares = try catalogue.shares(atAll: files.map(\.file.path))
        files.removeAll { shares[$0.file.path].map { !$0.contains { $0.audience.contains(home) } } ?? false }
      }
      let known = try catalogue.shares(files.map(\.document.id))
      let new = files.filter { entry in
        !(known[entry.document.id] ?? []).contains { share in
          share.isShared(in: home)
            && ShareVerdict(share, found: FileObservation(at: share.path, known: share.fingerprint)) == .keep
        }
      }
      guard !new.isEmpty || !temporary.isEmpty || download != nil else { return [] }
      let shares = new.map { document, file in
        Share(
          document: document, path: file.path, origin: .downloaded, fingerprint: file.fingerprint,
          permissions: document.executable ? 0o755 : 0o644, audience: Audience(home))
      }
      return try catalogue.add(
        shares, hashed: new.map(\.file), forgetting: temporary, finishing: download)
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

  /// At most `limit` of the shares whose keys begin with a prefix.
  func remove(prefix: String, limit: Int) throws(StoreError) -> [Share] {
    try exclusively { () throws(StoreError) in try catalogue.remove(prefix: prefix, limit: limit) }
  }

  /// Leaves out the paths at which nothing is shared, or the file that is shared: a file that was just downloaded, for
  /// example.
  func changed(among paths: [String]) throws(StoreError) -> [String] {
    let shares = try catalogue.shares(atAll: paths)
    return paths.filter { path in
      guard let shares = shares[path], let share = shares.first else { return false }
      let found = FileObservation(at: path, known: share.fingerprint).fingerprint
      return shares.contains { $0.state != .shared || $0.fingerprint != found }
    }
  }

  /// Looks at a shared file: withdraws the shares that it no longer matches and restores those that it matches again.
  /// Shares of a changed file stay until it is hashed: its content may be the same. Shares without hashes are withdrawn
  /// until then, because others could not verify them.
  func check(_ path: String) throws(StoreError) -> Finding {
    try exclusively { () throws(StoreError) in
      let shares = try catalogue.shares(at: path)
      guard !shares.isEmpty else { return Finding() }
      let found = FileObservation(at: path)
      var verdicts = shares.map { ShareVerdict($0, found: found) }
      var finding = Finding()
      let hasChanged = verdicts.contains(.withdraw) || verdicts.contains(.examine)
      for (position, share) in shares.enumerated() where share.fingerprint == found.fingerprint {
        guard try !catalogue.hasLeaves(of: share.content) else { continue }
        verdicts[position] = .examine
        finding.lacksHashes = !hasChanged
      }
      if verdicts.contains(.withdraw) || finding.lacksHashes {
        finding.change.withdrawn = try catalogue.withdraw(path: path)
      }
      let restored = zip(shares, verdicts).filter { share, verdict in
        verdict == .restore || (verdict == .keep && finding.change.withdrawn.contains(share))
      }
      finding.change.published = try restore(restored.map(\.0))
      if verdicts.contains(.examine) { finding.unknown = found.fingerprint }
      return finding
    }
  }

  /// Withdraws the shares of a file that cannot be hashed now.
  func withdraw(_ path: String) throws(StoreError) -> Change {
    try exclusively { () throws(StoreError) in Change(withdrawn: try catalogue.withdraw(path: path)) }
  }

  /// Brings the shares of a file that was hashed in line with its content, and withdraws those that must not have it.
  /// - Parameter places: looked up outside of this call, which nothing else passes meanwhile.
  /// - Returns: `nil` if the file has changed again meanwhile.
  func renew(
    _ path: String, _ known: FileWork.Known, places: PrivatePlaces.Current
  ) throws(StoreError) -> Change? {
    try exclusively { () throws(StoreError) in
      guard case .file(known.fingerprint, let access) = FileObservation(at: path) else { return nil }
      let isPrivate = places.contains(file: FileIdentity(known.fingerprint))
      var change = Change()
      var renewed = [Share]()
      for share in try catalogue.shares(at: path) {
        let new =
          isPrivate
          ? nil
          : ShareVerdict.renewed(
            share, content: known.content, fingerprint: known.fingerprint, access: access, title: known.title)
        guard let new else {
          if share.state == .shared { change.withdrawn.append(share) }
          continue
        }
        renewed.append(new)
        if share.state == .withdrawn || new.document != share.document { change.published.append(new) }
      }
      if !change.withdrawn.isEmpty { _ = try catalogue.withdraw(path: path) }
      change.withdrawn += try catalogue.add(renewed, hashed: known.hashed.map { [$0] } ?? [])
      return change
    }
  }

  /// Updates the fingerprint of a file that was hashed and still has the content of all its shares.
  /// - Returns: false, without a change, if there is something to tell the index: `renew` has to do it.
  func refresh(
    _ path: String, _ known: FileWork.Known, places: PrivatePlaces.Current
  ) throws(StoreError) -> Bool {
    try exclusively { () throws(StoreError) in
      guard case .file(known.fingerprint, let access) = FileObservation(at: path),
        !places.contains(file: FileIdentity(known.fingerprint))
      else { return false }
      let shares = try catalogue.shares(at: path)
      guard !shares.isEmpty, shares.allSatisfy({ $0.state == .shared && $0.content == known.content }) else {
        return false
      }
      let renewed = shares.compactMap { share in
        ShareVerdict.renewed(
          share, content: known.content, fingerprint: known.fingerprint, access: access, title: known.title)
      }
      // A changed executable bit is part of the record.
      guard renewed.map(\.document) == shares.map(\.document) else { return false }
      _ = try catalogue.add(renewed, hashed: known.hashed.map { [$0] } ?? [])
      return true
    }
  }

  private func restore(_ shares: [Share]) throws(StoreError) -> [Share] {
    guard !shares.isEmpty else { return [] }
    let restored = shares.map { share in
      Share(
        document: share.document, path: share.path, origin: share.origin, fingerprint: share.fingerprint,
        permissions: share.permissions, audience: share.audience)
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
