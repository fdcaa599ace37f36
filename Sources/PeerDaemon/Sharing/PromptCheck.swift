// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Synchronization
import WireProtocol

/// Decides about a request for a share whose file has changed since it was hashed. A small file is hashed at once, because
/// most often only its time stamps or permissions have changed. Blocks.
final class PromptCheck: Sendable {
  /// The largest file that is hashed while the other side waits: a tenth of a second.
  static let maxSize: Int64 = 64 << 20
  /// Bytes that are hashed in a second, for the time that others are told to wait.
  private static let rate: Int64 = 500 << 20

  private let ledger: ShareLedger
  private let changed: ChangedFiles
  private let now: @Sendable () -> ContinuousClock.Instant
  private let state = Mutex<State>(State())

  private struct State {
    var underWay: Set<String> = []
    var pace = HashPace()
  }

  init(
    ledger: ShareLedger, changed: ChangedFiles,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
  ) {
    self.ledger = ledger
    self.changed = changed
    self.now = now
  }

  /// - Returns: the share with the fingerprint of its file now, if the file still has the content.
  /// - Throws: `changed` if it has another content; `unavailable` if this is not known yet; `not-found` if it is gone.
  func share(_ share: Share) throws(WireFailure) -> Share {
    let observation = FileObservation(at: share.path)
    guard case .file(let fingerprint, _) = observation else {
      changed.notice(share.path)
      if observation == .unknown { throw Self.wait(1) }
      throw WireFailure(.notFound, "this is not shared here")
    }
    let mayBeShared = ShareVerdict(share, found: observation) != .withdraw
    // What it is now is announced when it is hashed. Until then the other side waits instead of giving up.
    guard fingerprint.size <= Self.maxSize || !mayBeShared else {
      changed.notice(share.path)
      throw Self.wait(Int(clamping: fingerprint.size / Self.rate + 1))
    }
    guard mayBeShared, fingerprint.size == share.content.size else {
      changed.notice(share.path)
      throw Self.isChanged
    }
    let known = try content(of: share.path, fingerprint)
    let isSame = known.content == share.content
    do throws(StoreError) {
      if isSame {
        if try ledger.refresh(share.path, known, places: ledger.places.current()),
          let renewed = try ledger.catalogue.shares(of: share.content).first(where: {
            $0.path == share.path && $0.key == share.key
          })
        {
          return renewed
        }
      } else if let hashed = known.hashed {
        try ledger.catalogue.remember([hashed])
      }
    } catch {
      changed.notice(share.path)
      throw Self.wait(1)
    }
    changed.notice(share.path)
    throw isSame ? Self.wait(1) : Self.isChanged
  }

  private func content(of path: String, _ fingerprint: FileFingerprint) throws(WireFailure) -> FileWork.Known {
    if let content = try? ledger.catalogue.content(of: fingerprint) {
      return FileWork.Known(content: content, fingerprint: fingerprint, title: nil, hashed: nil)
    }
    let start = now()
    let mayHash = state.withLock { state in
      state.pace.pause(for: path, at: start) == nil && state.underWay.insert(path).inserted
    }
    guard mayHash else { throw Self.wait(1) }
    defer { _ = state.withLock { $0.underWay.remove(path) } }
    // One thread: the others serve.
    let hashed = try? FileHasher(layers: ledger.catalogue.layers, workers: 1).hash(path)
    state.withLock { $0.pace.hashed(path, in: now() - start, at: now()) }
    guard let hashed else {
      changed.notice(path)
      throw Self.wait(1)
    }
    return FileWork.Known(content: hashed.content, fingerprint: hashed.fingerprint, title: nil, hashed: hashed)
  }

  private static let isChanged = WireFailure(.changed, "the file is no longer what was shared")

  private static func wait(_ seconds: Int) -> WireFailure {
    WireFailure(.unavailable, "the file has changed and is being hashed again", retryAfter: seconds)
  }
}
