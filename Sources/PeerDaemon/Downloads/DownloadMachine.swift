// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import WireProtocol

/// The life of one download as a state machine: an event in, what to do out. Knows nothing of files, sources or clocks.
///
/// The owner records `phase` and `error` whenever they change, runs at most one timer, which it stops when the state is no
/// longer `waiting`, and reports the end of everything that it was told to start.
package struct DownloadMachine: Equatable, Sendable {
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
  /// Whether the user chose the content, or a reader has some of it; otherwise the key decides.
  package private(set) var isContentChosen: Bool
  private let kind: Kind
  private var waiters: [Waiter] = []
  private var hasLookedAgain = false
  private var retries = 0

  /// A new download.
  package init(kind: Kind = .file, isDetached: Bool = false, isContentChosen: Bool = false) {
    state = .queued
    self.kind = kind
    self.isDetached = isDetached
    self.isContentChosen = isContentChosen
  }

  /// A download of an earlier process. A stream waits for a reader.
  package init(recorded phase: Phase, kind: Kind = .file, isDetached: Bool = false, isContentChosen: Bool = false) {
    self.init(kind: kind, isDetached: isDetached, isContentChosen: isContentChosen)
    state =
      switch phase {
      case .queued, .active, .waiting: kind == .file ? .queued : .paused
      case .paused: .paused
      case .done: .done
      case .failed: .failed
      case .cancelled: .cancelled
      }
  }

  package var phase: Phase {
    switch state {
    case .queued, .stopping(.queued): .queued
    case .active, .renewing, .delivering, .stopping(.delivered): .active
    case .stopping(.paused), .paused: .paused
    case .stopping(.cancelled), .cancelled: .cancelled
    case .stopping(.otherNetwork), .waiting: .waiting
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
    case .queued, .waiting, .paused, .delivering, .done, .failed, .cancelled: false
    }
  }

  var waitsForSource: Bool { state == .waiting(.noSource) }

  // MARK: Waiters

  /// Another `get` of the same content and target.
  /// - Parameters:
  ///   - isPatient: whether it also waits for sources.
  ///   - replacesSource: whether it limits the download to other sources than before.
  ///   - resumes: whether a paused download goes on. A stream does in any case.
  package mutating func join(
    _ id: WaiterID, isPatient: Bool = false, replacesSource: Bool = false, resumes: Bool = true
  ) -> [Action] {
    guard canBeJoined else { return [] }
    waiters.append(Waiter(id: id, isPatient: isPatient))
    if state == .waiting(.otherNetwork) { return waitElsewhere() }
    guard resumes || phase != .paused || kind != .file else { return [] }
    return goOn(replacesSource: replacesSource)
  }

  /// Another `get` that does not wait.
  package mutating func detach(replacesSource: Bool = false) -> [Action] {
    guard canBeJoined else { return [] }
    isDetached = true
    return goOn(replacesSource: replacesSource)
  }

  /// The connection of a waiter was closed: the download goes on, unless it is a stream without another reader.
  package mutating func leave(_ id: WaiterID) -> [Action] {
    waiters.removeAll { $0.id == id }
    return kind != .file && waiters.isEmpty ? giveUp() : []
  }

  /// A user interrupted a waiter, whose connection may be closed by now: pauses a download that nobody else wants.
  package mutating func interrupt(_ id: WaiterID) -> [Action] {
    let isWaiting = waiters.contains { $0.id == id }
    waiters.removeAll { $0.id == id }
    let answer = isWaiting ? [Action.answer([id], .failure(WireFailure(.cancelled, "interrupted")))] : []
    return answer + (waiters.isEmpty && !isDetached ? giveUp() : [])
  }

  private mutating func giveUp() -> [Action] {
    kind == .shortStream ? cancel() : pause()
  }

  /// A reader gets the first bytes: they can only go on with more of the same content.
  package mutating func chooseContent() {
    isContentChosen = true
  }

  /// A reader has everything.
  package mutating func delivered(_ id: WaiterID) -> [Action] {
    waiters.removeAll { $0.id == id }
    guard waiters.isEmpty else { return [] }
    switch state {
    case .active, .renewing:
      state = .stopping(.delivered)
      return [.stop]
    case .stopping(.queued), .stopping(.paused), .stopping(.otherNetwork): state = .stopping(.delivered)
    case .queued, .waiting, .paused, .delivering: return becomeDelivered()
    case .stopping(.cancelled), .stopping(.delivered), .done, .failed, .cancelled: break
    }
    return []
  }

  private mutating func becomeDelivered() -> [Action] {
    error = nil
    return [.discard] + end(.done, .done)
  }

  private mutating func goOn(replacesSource: Bool) -> [Action] {
    retries = 0
    switch state {
    case .active, .renewing:
      guard replacesSource else { return [] }
      state = .stopping(.queued)
      return [.stop]
    case .stopping(.paused), .stopping(.queued), .stopping(.delivered): state = .stopping(.queued)
    case .waiting(.noSource), .waiting(.storage), .paused: requeue()
    case .queued, .stopping(.cancelled), .stopping(.otherNetwork), .waiting(.otherNetwork), .delivering, .done, .failed,
      .cancelled:
      break
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
    case .queued, .waiting, .delivering:
      state = .paused
      error = nil
      return []
    case .active, .renewing:
      state = .stopping(.paused)
      return [.stop]
    case .stopping(.queued), .stopping(.otherNetwork):
      state = .stopping(.paused)
      error = nil
    case .stopping(.paused), .stopping(.cancelled), .stopping(.delivered), .paused, .done, .failed, .cancelled: break
    }
    return []
  }

  package mutating func resume() -> [Action] {
    switch state {
    case .paused, .waiting, .stopping(.paused): return goOn(replacesSource: false)
    case .queued, .active, .renewing, .stopping(.queued), .stopping(.cancelled), .stopping(.delivered),
      .stopping(.otherNetwork), .delivering, .done, .failed, .cancelled:
      return []
    }
  }

  package mutating func cancel() -> [Action] {
    switch state {
    case .queued, .waiting, .paused, .delivering: return becomeCancelled()
    case .active, .renewing:
      state = .stopping(.cancelled)
      return [.stop]
    case .stopping(.queued), .stopping(.paused), .stopping(.delivered), .stopping(.otherNetwork):
      state = .stopping(.cancelled)
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
    case (.active, .filled):
      error = nil
      if waiters.isEmpty, kind == .shortStream { return becomeCancelled() }
      state = waiters.isEmpty ? .paused : .delivering
      return []
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
    case (.queued, _), (.renewing, _), (.waiting, _), (.paused, _), (.delivering, _), (.done, _), (.failed, _),
      (.cancelled, _):
      return []
    }
  }

  /// The look-up has ended.
  /// - Parameter isReplaced: whether the download is for another content from now on.
  package mutating func renewed(_ isReplaced: Bool, using random: inout some RandomNumberGenerator) -> [Action] {
    switch state {
    case .renewing:
      guard isReplaced, !isContentChosen else {
        return wait(.noSource, error ?? WireFailure(.noSource, "no source is left"), using: &random)
      }
      state = .active
      error = nil
      return [.fetch]
    case .stopping(let following): return follow(following)
    case .queued, .active, .waiting, .paused, .delivering, .done, .failed, .cancelled: return []
    }
  }

  private mutating func follow(_ following: Following) -> [Action] {
    switch following {
    case .queued: requeue()
    case .paused:
      state = .paused
      error = nil
    case .cancelled: return becomeCancelled()
    case .delivered: return becomeDelivered()
    case .otherNetwork: return waitElsewhere()
    }
    return []
  }

  private mutating func end(_ final: State, _ answer: Answer) -> [Action] {
    state = final
    let ids = waiters.map(\.id)
    waiters = []
    return ids.isEmpty ? [] : [.answer(ids, answer)]
  }

  // MARK: Networks

  /// This peer is in another network now.
  /// - Parameter failure: says which one the download needs.
  package mutating func networkLeft(_ failure: WireFailure) -> [Action] {
    switch state {
    case .queued, .waiting(.noSource), .waiting(.storage):
      error = failure
      return waitElsewhere()
    case .active, .renewing:
      error = failure
      state = .stopping(.otherNetwork)
      return [.stop]
    case .stopping(.queued):
      error = failure
      state = .stopping(.otherNetwork)
    case .stopping(.paused), .stopping(.cancelled), .stopping(.delivered), .stopping(.otherNetwork),
      .waiting(.otherNetwork), .paused, .delivering, .done, .failed, .cancelled:
      break
    }
    return []
  }

  /// This peer is in the network of the download again.
  package mutating func networkEntered() -> [Action] {
    switch state {
    case .waiting(.otherNetwork): requeue()
    case .stopping(.otherNetwork):
      state = .stopping(.queued)
      error = nil
    case .queued, .active, .renewing, .stopping, .waiting, .paused, .delivering, .done, .failed, .cancelled: break
    }
    return []
  }

  /// `error` says why.
  private mutating func waitElsewhere() -> [Action] {
    state = .waiting(.otherNetwork)
    return answerImpatient(error ?? WireFailure(.unavailable, "began in another network"), all: false)
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
    return answerImpatient(failure, all: reason == .storage) + [.retry(after: delay(reason, using: &random))]
  }

  /// - Parameter all: whether those are answered as well that wait for sources.
  private mutating func answerImpatient(_ failure: WireFailure, all: Bool) -> [Action] {
    let answered = waiters.filter { !$0.isPatient || all }.map(\.id)
    waiters.removeAll { answered.contains($0.id) }
    return answered.isEmpty ? [] : [.answer(answered, .failure(failure))]
  }

  /// For sources 1, 2, 4 … 30 s, a quarter more or less.
  private mutating func delay(_ reason: Reason, using random: inout some RandomNumberGenerator) -> Duration {
    guard reason == .noSource else { return Self.storageDelay }
    let seconds = min(Self.maxSourceDelay, Double(1 << min(retries, 5)))
    retries += 1
    return .milliseconds(Int64(seconds * Double(Int.random(in: 750...1250, using: &random))))
  }

  package mutating func timerFired() -> [Action] {
    guard case .waiting(let reason) = state, reason != .otherNetwork else { return [] }
    return [.probe(reason)]
  }

  /// The index is connected again, or reports a holder.
  package mutating func sourcesMayBeBack() -> [Action] {
    guard case .waiting(.noSource) = state else { return [] }
    return [.probe(.noSource)]
  }

  /// - Parameter hasHope: whether there is a source, or the disk takes files again.
  package mutating func probed(_ hasHope: Bool, using random: inout some RandomNumberGenerator) -> [Action] {
    guard case .waiting(let reason) = state, reason != .otherNetwork else { return [] }
    guard !hasHope else {
      requeue()
      return []
    }
    return [.retry(after: delay(reason, using: &random))]
  }
}
