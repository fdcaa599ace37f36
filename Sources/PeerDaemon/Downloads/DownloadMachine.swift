// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import WireProtocol

/// The life of one download as a state machine: an event in, what to do out. Knows nothing of files, sources or clocks.
///
/// The owner records `phase` and `error` whenever they change, runs at most one timer, which it stops when the state is no
/// longer `waiting`, and reports the end of everything that it was told to start.
package struct DownloadMachine: Equatable, Sendable {
  /// A `get` that waits for the download.
  package typealias WaiterID = Int64

  package enum State: Equatable, Sendable {
    /// Wants a slot. To `active` by `admitted`, `paused` by `pause`, `cancelled` by `cancel`.
    case queued
    /// A fetch is under way. To `done`, `failed`, `waiting` or `renewing` by its end, `stopping` by a command.
    case active
    /// The key is looked up once more. To `active` or `waiting` by its end, `stopping` by a command.
    case renewing
    /// The fetch or look-up was told to stop. At its end to the state that follows, or to `done` if it was faster.
    case stopping(Following)
    /// To `queued` when there is hope, or by a command or another `get`.
    case waiting(Reason)
    /// To `queued` by `resume` or another `get`, `cancelled` by `cancel`.
    case paused
    case done
    case failed
    case cancelled
  }

  /// What comes after a fetch that was told to stop.
  package enum Following: Equatable, Sendable {
    case queued
    case paused
    case cancelled
  }

  package enum Reason: Equatable, Sendable {
    case noSource
    /// The disk is full, or the directory is missing or read-only.
    case storage
  }

  /// The state as it is recorded and shown.
  package typealias Phase = DownloadRecord.State

  /// How a fetch ended.
  package enum Outcome: Equatable, Sendable {
    /// The file has its name.
    case done
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

  private struct Waiter: Equatable {
    let id: WaiterID
    /// Whether it also waits for sources.
    let isPatient: Bool
  }

  package private(set) var state: State
  /// Why it waits or has failed.
  package private(set) var error: WireFailure?
  /// Whether it goes on when nobody waits for it.
  package private(set) var isDetached: Bool
  /// Whether the user chose the content; otherwise the key decides.
  private let isContentChosen: Bool
  private var waiters: [Waiter] = []
  private var hasLookedAgain = false
  private var retries = 0

  /// A new download.
  package init(isDetached: Bool = false, isContentChosen: Bool = false) {
    state = .queued
    self.isDetached = isDetached
    self.isContentChosen = isContentChosen
  }

  /// A download of an earlier process.
  package init(recorded phase: Phase, isDetached: Bool = false, isContentChosen: Bool = false) {
    self.init(isDetached: isDetached, isContentChosen: isContentChosen)
    state =
      switch phase {
      case .queued, .active, .waiting: .queued
      case .paused: .paused
      case .done: .done
      case .failed: .failed
      case .cancelled: .cancelled
      }
  }

  package var phase: Phase {
    switch state {
    case .queued, .stopping(.queued): .queued
    case .active, .renewing: .active
    case .stopping(.paused), .paused: .paused
    case .stopping(.cancelled), .cancelled: .cancelled
    case .waiting: .waiting
    case .done: .done
    case .failed: .failed
    }
  }

  /// Whether another `get` may still take part in it.
  package var canBeJoined: Bool { !phase.hasEnded }

  /// Whether a fetch or look-up is under way.
  package var isBusy: Bool {
    switch state {
    case .active, .renewing, .stopping: true
    case .queued, .waiting, .paused, .done, .failed, .cancelled: false
    }
  }

  var waitsForSource: Bool { state == .waiting(.noSource) }

  // MARK: Waiters

  /// Another `get` of the same content and target.
  /// - Parameters:
  ///   - isPatient: whether it also waits for sources.
  ///   - replacesSource: whether it limits the download to other sources than before.
  ///   - resumes: whether a paused download goes on.
  package mutating func join(
    _ id: WaiterID, isPatient: Bool = false, replacesSource: Bool = false, resumes: Bool = true
  ) -> [Action] {
    guard canBeJoined else { return [] }
    waiters.append(Waiter(id: id, isPatient: isPatient))
    guard resumes || phase != .paused else { return [] }
    return goOn(replacesSource: replacesSource)
  }

  /// Another `get` that does not wait.
  package mutating func detach(replacesSource: Bool = false) -> [Action] {
    guard canBeJoined else { return [] }
    isDetached = true
    return goOn(replacesSource: replacesSource)
  }

  /// The connection of a waiter was closed: the download goes on.
  package mutating func leave(_ id: WaiterID) {
    waiters.removeAll { $0.id == id }
  }

  /// A user interrupted a waiter, whose connection may be closed by now: pauses a download that nobody else wants.
  package mutating func interrupt(_ id: WaiterID) -> [Action] {
    let isWaiting = waiters.contains { $0.id == id }
    waiters.removeAll { $0.id == id }
    let answer = isWaiting ? [Action.answer([id], .failure(WireFailure(.cancelled, "interrupted")))] : []
    return answer + (waiters.isEmpty && !isDetached ? pause() : [])
  }

  private mutating func goOn(replacesSource: Bool) -> [Action] {
    retries = 0
    switch state {
    case .active, .renewing:
      guard replacesSource else { return [] }
      state = .stopping(.queued)
      return [.stop]
    case .stopping(.paused), .stopping(.queued): state = .stopping(.queued)
    case .waiting, .paused: requeue()
    case .queued, .stopping(.cancelled), .done, .failed, .cancelled: break
    }
    return []
  }

  private mutating func requeue() {
    state = .queued
    error = nil
  }

  // MARK: Commands

  package mutating func pause() -> [Action] {
    switch state {
    case .queued, .waiting:
      state = .paused
      error = nil
      return []
    case .active, .renewing:
      state = .stopping(.paused)
      return [.stop]
    case .stopping(.queued): state = .stopping(.paused)
    case .stopping(.paused), .stopping(.cancelled), .paused, .done, .failed, .cancelled: break
    }
    return []
  }

  package mutating func resume() -> [Action] {
    switch state {
    case .paused, .waiting, .stopping(.paused): return goOn(replacesSource: false)
    case .queued, .active, .renewing, .stopping(.queued), .stopping(.cancelled), .done, .failed, .cancelled: return []
    }
  }

  package mutating func cancel() -> [Action] {
    switch state {
    case .queued, .waiting, .paused: return becomeCancelled()
    case .active, .renewing:
      state = .stopping(.cancelled)
      return [.stop]
    case .stopping(.queued), .stopping(.paused): state = .stopping(.cancelled)
    case .stopping(.cancelled), .done, .failed, .cancelled: break
    }
    return []
  }

  private mutating func becomeCancelled() -> [Action] {
    error = nil
    return [.discard] + end(.cancelled, .failure(WireFailure(.cancelled, "the download was cancelled")))
  }

  // MARK: Work

  /// It has a slot.
  package mutating func admitted() -> [Action] {
    guard state == .queued else { return [] }
    state = .active
    error = nil
    return [.fetch]
  }

  /// The fetch has ended.
  package mutating func ended(_ outcome: Outcome, using random: inout some RandomNumberGenerator) -> [Action] {
    switch (state, outcome) {
    case (.active, .done), (.stopping, .done):
      error = nil
      return end(.done, .done)
    case (.active, .noSource(let failure, let hasChanged, let hasGained)):
      if hasGained { retries = 0 }
      guard hasChanged, !isContentChosen, !hasLookedAgain else { return wait(.noSource, failure, using: &random) }
      hasLookedAgain = true
      error = failure
      state = .renewing
      return [.lookUpKey]
    case (.active, .storage(let failure)): return wait(.storage, failure, using: &random)
    case (.active, .wrongBytes(let failure)), (.active, .failed(let failure)):
      error = failure
      return [.discard] + end(.failed, .failure(failure))
    case (.active, .stopped):
      state = .queued
      return []
    case (.stopping(let following), _): return follow(following)
    case (.queued, _), (.renewing, _), (.waiting, _), (.paused, _), (.done, _), (.failed, _), (.cancelled, _): return []
    }
  }

  /// The look-up has ended.
  /// - Parameter isReplaced: whether the download is for another content from now on.
  package mutating func renewed(_ isReplaced: Bool, using random: inout some RandomNumberGenerator) -> [Action] {
    switch state {
    case .renewing:
      guard isReplaced else {
        return wait(.noSource, error ?? WireFailure(.noSource, "no source is left"), using: &random)
      }
      state = .active
      error = nil
      return [.fetch]
    case .stopping(let following): return follow(following)
    case .queued, .active, .waiting, .paused, .done, .failed, .cancelled: return []
    }
  }

  private mutating func follow(_ following: Following) -> [Action] {
    switch following {
    case .queued: requeue()
    case .paused:
      state = .paused
      error = nil
    case .cancelled: return becomeCancelled()
    }
    return []
  }

  private mutating func end(_ final: State, _ answer: Answer) -> [Action] {
    state = final
    let ids = waiters.map(\.id)
    waiters = []
    return ids.isEmpty ? [] : [.answer(ids, answer)]
  }

  // MARK: Waiting

  private static let storageDelay = Duration.seconds(30)
  private static let maxSourceDelay = 30.0

  private mutating func wait(
    _ reason: Reason, _ failure: WireFailure, using random: inout some RandomNumberGenerator
  ) -> [Action] {
    state = .waiting(reason)
    error = failure
    hasLookedAgain = false
    let answered = waiters.filter { !$0.isPatient || reason == .storage }.map(\.id)
    waiters.removeAll { answered.contains($0.id) }
    return (answered.isEmpty ? [] : [.answer(answered, .failure(failure))])
      + [.retry(after: delay(reason, using: &random))]
  }

  /// For sources 1, 2, 4 … 30 s, a quarter more or less.
  private mutating func delay(_ reason: Reason, using random: inout some RandomNumberGenerator) -> Duration {
    guard reason == .noSource else { return Self.storageDelay }
    let seconds = min(Self.maxSourceDelay, Double(1 << min(retries, 5)))
    retries += 1
    return .milliseconds(Int64(seconds * Double(Int.random(in: 750...1250, using: &random))))
  }

  package mutating func timerFired() -> [Action] {
    guard case .waiting(let reason) = state else { return [] }
    return [.probe(reason)]
  }

  /// The index is connected again: there may be sources.
  package mutating func indexConnected() -> [Action] {
    guard case .waiting(.noSource) = state else { return [] }
    return [.probe(.noSource)]
  }

  /// - Parameter hasHope: whether there is a source, or the disk takes files again.
  package mutating func probed(_ hasHope: Bool, using random: inout some RandomNumberGenerator) -> [Action] {
    guard case .waiting(let reason) = state else { return [] }
    guard !hasHope else {
      requeue()
      return []
    }
    return [.retry(after: delay(reason, using: &random))]
  }
}
