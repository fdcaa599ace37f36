// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// What the workers of one call to `FileHasher` share.
final class HashCrew: Sendable {
  private let paths: [String]
  private let layers: LayerStore
  private let clock: FileClock
  private let schedule: Mutex<HashSchedule>
  /// Bytes done of each large file that is under way, by position.
  private let done = Mutex<[Int: Int64]>([:])
  /// For workers that wait for a file to be opened.
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

  /// Hashes a small file; `nil` for a large one, which is now there for all workers.
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

  /// Hashes a part of a large file. The outcome of the whole file where it was the last part.
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
