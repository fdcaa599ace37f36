// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import DocumentTitles
import NIOPosix
import POSIXSupport
import Synchronization
import WireProtocol

/// Determines the content of files. Hashes only what the catalogue does not know.
struct FileWork: Sendable {
  /// A file as last seen.
  typealias File = (path: String, fingerprint: FileFingerprint)

  /// The content of a file.
  struct Known: Sendable {
    let content: Content
    let fingerprint: FileFingerprint
    /// Read from the file; `nil` if it contains none.
    let title: Title?
    /// `nil` if the catalogue knew the content.
    let hashed: HashedFile?
  }

  let catalogue: Catalogue
  /// Threads for long work.
  let pool: NIOThreadPool

  /// Called from any thread with the position of the file.
  typealias Progress = @Sendable (_ position: Int, HashProgress) -> Void

  /// - Returns: one outcome per file, in the same order.
  /// - Throws: `cancelled`; failures of the catalogue.
  func examine(
    _ files: [File], progress: @escaping Progress = { _, _ in }
  ) async throws(WireFailure) -> [Result<Known, StoreError>] {
    try await pool.interruptible { [self] isCancelled throws(StoreError) in
      try examine(files, isCancelled, progress)
    }
  }

  private func examine(
    _ files: [File], _ isCancelled: @escaping @Sendable () -> Bool, _ progress: @escaping Progress
  ) throws(StoreError) -> [Result<Known, StoreError>] {
    let contents = try catalogue.contents(of: files.map(\.fingerprint))
    let known = zip(files, contents).map { file, content in
      content.map {
        Known(
          content: $0, fingerprint: file.fingerprint, title: FileTitle.read(file.path, file.fingerprint), hashed: nil)
      }
    }
    let unknown = files.indices.filter { known[$0] == nil }
    let outcomes = Mutex(known.map { $0.map { Result<Known, StoreError>.success($0) } })
    FileHasher(layers: catalogue.layers).hash(
      unknown.map { files[$0].path }, isCancelled: isCancelled,
      progress: { progress(unknown[$0.file], $0) },
      completed: { position, result in
        let outcome = result.map {
          Known(
            content: $0.content, fingerprint: $0.fingerprint, title: FileTitle.read($0.path, $0.fingerprint), hashed: $0
          )
        }
        outcomes.withLock { $0[unknown[position]] = outcome }
      })
    return outcomes.withLock { $0 }.enumerated().map { index, outcome in
      outcome ?? .failure(StoreError(.cancelled, files[index].path, "hashing was cancelled"))
    }
  }
}

/// Reads the title from the text of an RFC. Blocks.
enum FileTitle {
  /// - Parameter fingerprint: of the file to read; another one that has taken its place is not.
  /// - Returns: `nil` if the file name is not that of an RFC, or its text contains no title.
  static func read(_ path: String, _ fingerprint: FileFingerprint) -> Title? {
    let name = path.afterLastSlash
    guard RFCText.recognise(fileName: name, bytes: []) != nil else { return nil }
    guard let (file, status) = try? OpenFile.reading(path), FileFingerprint(status) == fingerprint else { return nil }
    let prefix = (try? SmallFile.prefix(of: file.descriptor, max: RFCText.prefixLength)) ?? []
    return RFCText.recognise(fileName: name, bytes: prefix)?.title
  }
}
