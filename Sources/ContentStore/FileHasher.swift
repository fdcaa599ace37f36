// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization

/// Hashes files on several cores: large files in ranges, small ones side by side. Blocks the caller.
package struct FileHasher: Sendable {
  /// Bytes that a worker reads at a time: large enough to make system calls cheap, small enough for the CPU cache.
  private static let bufferLength = 256 << 10

  private let layers: LayerStore
  private let clock: FileClock
  private let workers: Int

  /// - Parameters:
  ///   - layers: stores the leaves of large files.
  ///   - workers: number of threads; by default the number of processors.
  package init(layers: LayerStore, clock: FileClock = .system, workers: Int? = nil) {
    self.layers = layers
    self.clock = clock
    self.workers = max(workers ?? Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))), 1)
  }

  /// Hashes one file.
  /// - Throws: `.vanished`, `.unreadable`, `.notAFile`, `.isPrivate`, `.changed`, `.inputOutput`, `.cancelled`; for a large
  ///   file also the errors of storing its layer.
  package func hash(
    _ path: String, isCancelled: @Sendable () -> Bool = { false }, progress: @Sendable (HashProgress) -> Void = { _ in }
  ) throws(StoreError) -> HashedFile {
    let outcome = Mutex<Result<HashedFile, StoreError>?>(nil)
    hash([path], isCancelled: isCancelled, progress: progress) { _, result in outcome.withLock { $0 = result } }
    guard let result = outcome.withLock({ $0 }) else { throw StoreError(.cancelled, path, "hashing was cancelled") }
    return try result.get()
  }

  /// Hashes files and returns when all are finished.
  /// - Parameters:
  ///   - isCancelled: checked every 256 KiB; unfinished files then fail with `.cancelled`.
  ///   - progress: called from any worker every 256 KiB; must return quickly.
  ///   - completed: called once for each file with its position, from any worker, one call at a time.
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

/// Progress of hashing one file.
package struct HashProgress: Sendable {
  /// Position of the file in the list of paths.
  package let file: Int
  package let path: String
  /// Bytes of this file.
  package let done: Int64
  package let total: Int64
}

/// State shared by the workers of one `FileHasher.hash` call.
final class HashCrew: Sendable {
  private let paths: [String]
  private let layers: LayerStore
  private let clock: FileClock
  private let schedule: Mutex<HashSchedule>
  /// Bytes hashed of each file in progress, by position.
  private let done = Mutex<[Int: Int64]>([:])
  /// Wakes workers that wait for a file to be opened.
  private let wake = DispatchSemaphore(value: 0)
  /// Held while `completed` runs.
  private let turn = Mutex<Void>(())

  init(paths: [String], layers: LayerStore, clock: FileClock) {
    self.paths = paths
    self.layers = layers
    self.clock = clock
    schedule = Mutex(HashSchedule(fileCount: paths.count))
  }

  func work(
    buffer: UnsafeMutableRawBufferPointer, isCancelled: @Sendable () -> Bool,
    progress: @Sendable (HashProgress) -> Void, completed: @Sendable (Int, Result<HashedFile, StoreError>) -> Void
  ) {
    func deliver(_ index: Int, _ result: Result<HashedFile, StoreError>) {
      turn.withLock { _ in completed(index, result) }
    }
    while true {
      switch schedule.withLock({ $0.next() }) {
      case .stop: return
      case .wait: wake.wait()
      case .open(let index):
        let result = Result { () throws(StoreError) in
          try begin(index, buffer: buffer, isCancelled: isCancelled, progress: progress)
        }
        switch result {
        case .success(let file?): deliver(index, .success(file))
        case .success(nil): break
        case .failure(let error): deliver(index, .failure(error))
        }
      case .hash(let job, let range):
        if let result = hash(job, range, buffer: buffer, isCancelled: isCancelled, progress: progress) {
          deliver(job.index, result)
        }
      }
    }
  }

  /// Opens a file and hashes it if it is small; returns `nil` for a large one, which all workers then share.
  private func begin(
    _ index: Int, buffer: UnsafeMutableRawBufferPointer, isCancelled: () -> Bool, progress: (HashProgress) -> Void
  ) throws(StoreError) -> HashedFile? {
    let opened = Result { () throws(StoreError) in
      guard !isCancelled() else { throw StoreError(.cancelled, paths[index], "hashing was cancelled") }
      return try HashJob(index: index, path: paths[index], layers: layers, clock: clock)
    }
    let waiting = schedule.withLock { $0.opened(try? opened.get()) }
    for _ in 0..<waiting { wake.signal() }
    let job = try opened.get()
    guard !HashSchedule.isLarge(job) else { return nil }
    try job.hash(0..<job.size, buffer: buffer, isCancelled: isCancelled) { report(job, $0, to: progress) }
    return try job.finish()
  }

  /// Hashes a part of a large file.
  /// - Returns: the result of the whole file after its last part, else `nil`.
  private func hash(
    _ job: HashJob, _ range: Range<Int64>, buffer: UnsafeMutableRawBufferPointer, isCancelled: () -> Bool,
    progress: (HashProgress) -> Void
  ) -> Result<HashedFile, StoreError>? {
    var failure: StoreError?
    do {
      try job.hash(range, buffer: buffer, isCancelled: isCancelled) { report(job, $0, to: progress) }
    } catch {
      failure = error
    }
    let end = schedule.withLock { $0.finished(job, error: failure) }
    guard end.isLast else { return nil }
    done.withLock { $0[job.index] = nil }
    if let error = end.error { return .failure(error) }
    return Result { () throws(StoreError) in try job.finish() }
  }

  private func report(_ job: HashJob, _ bytes: Int64, to progress: (HashProgress) -> Void) {
    let done = done.withLock { done in
      let sum = (done[job.index] ?? 0) + bytes
      done[job.index] = sum < job.size ? sum : nil
      return sum
    }
    progress(HashProgress(file: job.index, path: job.path, done: done, total: job.size))
  }
}
