// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization

/// Hashes files on several cores: large files cut into ranges, small ones side by side. Blocks its caller.
package struct FileHasher: Sendable {
  /// Read at a time by each worker, in bytes: large enough to make calls cheap, small enough for the cache.
  private static let bufferLength = 256 << 10

  private let layers: LayerStore
  private let clock: FileClock
  private let workers: Int

  /// - Parameters:
  ///   - layers: where the leaves of large files go.
  ///   - workers: threads at work at once; by default the number of processors.
  package init(layers: LayerStore, clock: FileClock = .system, workers: Int? = nil) {
    self.layers = layers
    self.clock = clock
    self.workers = max(workers ?? Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))), 1)
  }

  /// Hashes one file.
  /// - Throws: `.vanished`, `.unreadable`, `.notAFile`, `.changed`, `.inputOutput`, `.cancelled`; what storing the
  ///   layer of a large file may throw.
  package func hash(
    _ path: String, isCancelled: @Sendable () -> Bool = { false }, progress: @Sendable (HashProgress) -> Void = { _ in }
  ) throws(StoreError) -> HashedFile {
    let outcome = Mutex<Result<HashedFile, StoreError>?>(nil)
    hash([path], isCancelled: isCancelled, progress: progress) { _, result in outcome.withLock { $0 = result } }
    guard let result = outcome.withLock({ $0 }) else { throw StoreError(.cancelled, path, "hashing was cancelled") }
    return try result.get()
  }

  /// Hashes files and returns when all are done.
  /// - Parameters:
  ///   - isCancelled: asked about every 256 KiB; what is not done then fails with `.cancelled`.
  ///   - progress: called from any worker, after every 256 KiB; quick, please.
  ///   - completed: called once for each file with its position, from any worker but one at a time, as files are done.
  package func hash(
    _ paths: [String], isCancelled: @Sendable () -> Bool = { false },
    progress: @Sendable (HashProgress) -> Void = { _ in },
    completed: @Sendable (Int, Result<HashedFile, StoreError>) -> Void
  ) {
    let crew = HashCrew(paths: paths, layers: layers, clock: clock)
    DispatchQueue.concurrentPerform(iterations: paths.isEmpty ? 0 : workers) { _ in
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferLength, alignment: 4096)
      defer { buffer.deallocate() }
      crew.work(buffer: buffer, isCancelled: isCancelled, progress: progress, completed: completed)
    }
  }
}
