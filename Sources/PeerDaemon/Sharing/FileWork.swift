// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOPosix
import Synchronization
import WireProtocol

/// Finds out what files hold, hashing only what the catalogue does not know.
struct FileWork: Sendable {
  struct File: Sendable {
    let path: String
    /// As it was last seen.
    let fingerprint: FileFingerprint
  }

  /// What a file holds.
  struct Known: Sendable {
    let content: Content
    let fingerprint: FileFingerprint
    /// What the file says of itself; `nil` where it says nothing.
    let title: Title?
    /// `nil` where the catalogue knew it.
    let hashed: HashedFile?
  }

  let catalogue: Catalogue
  /// Threads that may be busy for long.
  let pool: NIOThreadPool

  /// Called from any thread, with the position of the file.
  typealias Progress = @Sendable (_ position: Int, HashProgress) -> Void

  /// - Returns: one outcome for each file, in their order.
  /// - Throws: `cancelled` where the task was; what reading the catalogue may throw.
  func examine(
    _ files: [File], progress: @escaping Progress = { _, _ in }
  ) async throws(WireFailure) -> [Result<Known, StoreError>] {
    let stop = StopFlag()
    let outcome = await withTaskCancellationHandler {
      do throws(WireFailure) {
        let found = try await pool.store { [self] () throws(StoreError) in try examine(files, stop, progress) }
        return Result<_, WireFailure>.success(found)
      } catch {
        return .failure(error)
      }
    } onCancel: {
      stop.raise()
    }
    guard !Task.isCancelled else { throw WireFailure(.cancelled, "it was cancelled") }
    return try outcome.get()
  }

  private func examine(
    _ files: [File], _ stop: StopFlag, _ progress: @escaping Progress
  ) throws(StoreError) -> [Result<Known, StoreError>] {
    let contents = try catalogue.contents(of: files.map(\.fingerprint))
    let known = zip(files, contents).map { file, content in
      content.map {
        Known(content: $0, fingerprint: file.fingerprint, title: FileTitle.read(file.path), hashed: nil)
      }
    }
    let unknown = files.indices.filter { known[$0] == nil }
    let outcomes = Mutex(known.map { $0.map { Result<Known, StoreError>.success($0) } })
    FileHasher(layers: catalogue.layers).hash(
      unknown.map { files[$0].path }, isCancelled: { stop.isRaised },
      progress: { progress(unknown[$0.file], $0) },
      completed: { position, result in
        let outcome = result.map {
          Known(content: $0.content, fingerprint: $0.fingerprint, title: FileTitle.read($0.path), hashed: $0)
        }
        outcomes.withLock { $0[unknown[position]] = outcome }
      })
    return outcomes.withLock { $0 }.enumerated().map { index, outcome in
      outcome ?? .failure(StoreError(.cancelled, files[index].path, "hashing was cancelled"))
    }
  }
}
