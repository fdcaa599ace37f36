// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc

/// Compares the documents of a prefix with the files that are there: by the catalogue, then by size. Blocks.
struct PrefixComparison: Sendable {
  enum State: Sendable {
    /// The file has the content, and the document is shared.
    case present(path: String)
    /// A file of the right size, which must be hashed.
    case unknown(DownloadTarget)
    case missing
    case different(DownloadTarget)
    case failed(StoreError)
  }

  let directory: TargetDirectory
  let catalogue: Catalogue

  func compare(_ files: [PrefixFile]) throws(StoreError) -> [State] {
    let shares = try catalogue.shares(files.map(\.document.id))
    var paths = PathsWithoutLinks()
    return files.map { file in
      do throws(StoreError) { return try state(file, shares[file.document.id] ?? [], &paths) } catch {
        return .failed(error)
      }
    }
  }

  private func state(
    _ file: PrefixFile, _ shares: [Share], _ paths: inout PathsWithoutLinks
  ) throws(StoreError) -> State {
    guard let target = try directory.target(file.path, makes: false), let status = try target.status() else {
      return .missing
    }
    let found = FileFingerprint(status)
    if let share = shares.first(where: {
      $0.state == .shared && $0.fingerprint == found && $0.path == paths.path(of: target)
    }) {
      return .present(path: share.path)
    }
    let kind = status.st_mode & S_IFMT
    guard kind != S_IFLNK else { return .unknown(target) }
    return kind == S_IFREG && Int64(status.st_size) == file.document.content.size
      ? .unknown(target) : .different(target)
  }
}
