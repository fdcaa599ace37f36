// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import NIOPosix
import Synchronization

/// Opens every shared file as an upload would, to find those that cannot be served.
///
/// A file system that hangs keeps one thread at most: while a check is under way, further callers get what it has found
/// so far.
final class FileExamination: Sendable {
  struct Report: Sendable, Equatable {
    var checked = 0
    /// Missing or unreadable.
    var unusable = 0
    /// Changed since they were hashed.
    var changed = 0
    /// The first `maxExamples` of the unusable and changed ones.
    var examples: [StoreError] = []
    /// False if the time was too short for all files.
    var isComplete = false
  }

  private struct State {
    var report = Report()
    var isRunning = false
  }

  static let maxExamples = 5
  private static let pageLength = 1_000

  private let catalogue: Catalogue
  private let pool: NIOThreadPool
  private let state = Mutex(State())

  init(catalogue: Catalogue, pool: NIOThreadPool) {
    self.catalogue = catalogue
    self.pool = pool
  }

  /// Returns when all files are checked, at the latest after `timeout`.
  func examine(on loop: any EventLoop, within timeout: TimeAmount) async -> Report {
    let isFirst = state.withLock { state in
      defer { state.isRunning = true }
      if !state.isRunning { state.report = Report() }
      return !state.isRunning
    }
    if isFirst {
      let deadline = NIODeadline.now() + timeout
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        let once = OnceContinuation(continuation)
        let timer = loop.scheduleTask(in: timeout) { once.resume(()) }
        pool.runIfActive(eventLoop: loop) { [self] in checkAll(until: deadline) }.whenComplete { [self] _ in
          state.withLock { $0.isRunning = false }
          timer.cancel()
          once.resume(())
        }
      }
    }
    return state.withLock { $0.report }
  }

  private func checkAll(until deadline: NIODeadline) {
    var position: DocumentID?
    repeat {
      guard let shares = try? catalogue.page(after: position, limit: Self.pageLength) else { return }
      for share in shares {
        guard NIODeadline.now() < deadline else { return }
        let failure = Self.failure(of: share)
        state.withLock { $0.report.add(failure) }
      }
      position = shares.count < Self.pageLength ? nil : shares.last?.id
    } while position != nil
    state.withLock { $0.report.isComplete = true }
  }

  private static func failure(of share: Share) -> StoreError? {
    do throws(StoreError) {
      _ = try SharedFile(share)
      return nil
    } catch {
      return error
    }
  }
}

extension FileExamination.Report {
  fileprivate mutating func add(_ failure: StoreError?) {
    checked += 1
    guard let failure else { return }
    if failure.code == .changed { changed += 1 } else { unusable += 1 }
    if examples.count < FileExamination.maxExamples { examples.append(failure) }
  }
}
