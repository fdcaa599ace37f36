// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import WireProtocol

/// What a download may be and do.
extension DownloadMachine {
  /// A `get` that waits for the download.
  package typealias WaiterID = Int64

  package enum Kind: Equatable, Sendable {
    case file
    /// The readers that wait get the bytes. What was fetched is kept until one of them has everything.
    case stream
    /// The same, and so short that nothing is kept without readers.
    case shortStream
  }

  package enum State: Equatable, Sendable {
    /// Wants a slot. To `active` by `admitted`, `paused` by `pause`, `cancelled` by `cancel`.
    case queued
    /// A fetch is under way. To `done`, `delivering`, `failed`, `waiting` or `renewing` by its end, `stopping` by a command.
    case active
    /// The key is looked up once more. To `active` or `waiting` by its end, `stopping` by a command.
    case renewing
    /// The fetch or look-up was told to stop. At its end to the state that follows, or to `done` if it was faster.
    case stopping(Following)
    /// To `queued` when there is hope, or by a command or another `get`.
    case waiting(Reason)
    /// To `queued` by `resume` or another `get`, `cancelled` by `cancel`.
    case paused
    /// All of a stream is here, and readers take it. To `done` when the last one has it, `paused` when that one leaves or by
    /// `pause`, `cancelled` by `cancel`.
    case delivering
    case done
    case failed
    case cancelled
  }

  /// What comes after a fetch that was told to stop.
  package enum Following: Equatable, Sendable {
    case queued
    case paused
    case cancelled
    case otherNetwork
    /// Done: the readers have everything.
    case delivered
  }

  package enum Reason: Equatable, Sendable {
    case noSource
    /// The disk is full, or the directory is missing or read-only.
    case storage
    /// This peer is in another network than that in which the download began. Ends when it is back there.
    case otherNetwork
  }

  /// The state as it is recorded and shown.
  package typealias Phase = DownloadRecord.State

  /// How a fetch ended.
  package enum Outcome: Equatable, Sendable {
    /// The file has its name.
    case done
    /// All of a stream is here.
    case filled
    /// - Parameters:
    ///   - hasChanged: whether a source no longer had what it announced.
    ///   - hasGained: whether something was verified before.
    case noSource(WireFailure, hasChanged: Bool, hasGained: Bool)
    case wrongBytes(WireFailure)
    case storage(WireFailure)
    /// For good.
    case failed(WireFailure)
    /// As told.
    case stopped
  }

  package enum Answer: Equatable, Sendable {
    case done
    case failure(WireFailure)
  }

  package enum Action: Equatable, Sendable {
    /// `ended` follows.
    case fetch
    /// Stop the fetch or look-up; its end follows.
    case stop
    /// Look the key up: does it stand for exactly one content now? `renewed` follows.
    case lookUpKey
    /// Look for sources, or try the disk. `probed` follows, late ones are ignored.
    case probe(Reason)
    /// `timerFired` follows.
    case retry(after: Duration)
    case answer([WaiterID], Answer)
    /// Remove what was fetched.
    case discard
  }
}
