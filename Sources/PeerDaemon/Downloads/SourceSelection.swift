// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import NIOCore
import WireProtocol

/// Decides which holders of a content are asked, when, and which one is the source: a value without I/O.
///
/// Several holders are asked at a time, so that silent ones do not delay the others; one is the source at a time. Report
/// events by `add`, `becameWilling`, `failed`, …, then call `step` until it returns `nil`.
///
/// An index may name thousands of holders that do not answer. The first is asked alone; with each failure, and with time,
/// more are asked concurrently; after many silent ones, the next get less time. Hosts take turns, so that ten thousand
/// claims of one host do not delay the one of another.
package struct SourceSelection {
  package typealias ID = Int

  package struct Bounds: Sendable {
    /// Concurrent questions, at first and at most.
    package var width = 8
    package var maxWidth = 128
    /// Maximum number of known holders; further ones are ignored.
    package var maxHolders = 16_384
    /// Without an answer, one more holder is asked each interval.
    package var stagger = TimeAmount.milliseconds(250)
    /// Number of silent holders after which the others get less time.
    package var silentBeforeHurry = 16
    /// Maximum time without a verified byte from any source.
    package var search = TimeAmount.seconds(120)
    /// Maximum number of consecutive lookups without a new holder.
    package var maxFruitlessLookups = 3
    /// Drop a source that delivers nothing within `trial`, or less than `slowBytes` in `slowTime`, if others exist.
    package var trial = TimeAmount.seconds(2)
    package var slowBytes: Int64 = 64 * 1024
    package var slowTime = TimeAmount.seconds(10)
    /// Longest wait for a holder that asked to come back later; it is asked again until `search` is over.
    package var maxWait = TimeAmount.seconds(30)

    package init() {}
  }

  package enum Step: Equatable {
    /// Connect and ask whether it has the content; if it is asked alone, also request the beginning.
    case ask(ID, Holder, pace: Pace, isAlone: Bool)
    /// Fetch the missing part from it.
    case fetch(from: ID)
    /// Close the connection and report no more events of it.
    case leave(ID)
    /// Ask the index for more holders, then call `add` or `lookUpFailed`.
    case lookUp
  }

  /// How long a holder may take to answer.
  package enum Pace: Equatable, Sendable {
    /// The only holder.
    case patient
    case usual
    case hurried
  }

  /// What to do while there is no step.
  package enum Rest: Equatable {
    /// Call `step` again at this time, if no event occurs before.
    case until(NIODeadline)
    /// No holder is left, or the time is over.
    case end
  }

  private struct Asked {
    let holder: Holder
    let pace: Pace
    var isLastResort = false
  }

  private let bounds: Bounds
  private var waiting = HolderQueue()
  /// Holders that did not answer in the shorter time; asked once more after all others.
  private var hurried = HolderQueue()
  /// Holders that were too slow while others existed.
  private var slow: [Holder] = []
  /// Holders that asked to come back later.
  private var later: [(due: NIODeadline, holder: Holder)] = []
  private var known: Set<HolderID> = []
  private var underWay: [ID: Asked] = [:]
  private var nextID: ID = 0
  private var source: ID?
  private var willing: ID?
  private var unwanted: [ID] = []

  package private(set) var failures = SourceFailures()
  private var searchBegan: NIODeadline
  private var lastGain: NIODeadline
  /// Bytes of the source since then, and whether it delivered anything before.
  private var rate: (since: NIODeadline, bytes: Int64, isProven: Bool)
  private var failedSince = 0

  private var isLookingUp = false
  private var fruitlessLookups = 0
  private var claimed = 0

  package init(bounds: Bounds = Bounds(), at now: NIODeadline) {
    self.bounds = bounds
    searchBegan = now
    lastGain = now
    rate = (now, 0, false)
  }

  /// Number of known holders, including those that were asked.
  package var holderCount: Int { known.count }

  // MARK: Events

  /// Adds holders of the content.
  ///
  /// - Parameter total: total number of holders reported by the index.
  package mutating func add(_ holders: some Sequence<Holder>, total: Int) {
    let before = known.count
    for holder in holders where known.count < bounds.maxHolders {
      if known.insert(holder.id).inserted { waiting.append(holder) }
    }
    isLookingUp = false
    claimed = total
    fruitlessLookups = known.count > before ? 0 : fruitlessLookups + 1
  }

  /// The index could not be asked.
  package mutating func lookUpFailed() {
    isLookingUp = false
    fruitlessLookups = bounds.maxFruitlessLookups
  }

  /// A holder confirmed that it has the content.
  package mutating func becameWilling(_ id: ID) {
    guard underWay[id] != nil, source == nil, willing == nil else { return }
    willing = id
  }

  /// More bytes were verified.
  package mutating func gained(_ bytes: Int64, at now: NIODeadline) {
    lastGain = now
    rate.bytes += bytes
  }

  /// A holder that was asked, or the source, failed.
  ///
  /// - Parameter gained: bytes it delivered. A lost source that delivered something may have been restarted and is asked again.
  package mutating func failed(_ id: ID, _ failure: SourceFailure, gained: Int64, at now: NIODeadline) {
    guard let asked = underWay.removeValue(forKey: id) else { return }
    failures.note(asked.holder, failure)
    failedSince += 1
    if willing == id { willing = nil }
    if source == id { endFetching(at: now) }
    if case .busy(let refusal) = failure {
      let wait = min(TimeAmount.seconds(Int64(max(refusal.retryAfter ?? 1, 1))), bounds.maxWait)
      later.append((now + wait, asked.holder))
    }
    if gained > 0, failure.isTemporary { waiting.append(asked.holder) }
    if failure == .silent, asked.pace == .hurried { hurried.append(asked.holder) }
  }

  // MARK: Decisions

  package mutating func step(at now: NIODeadline) -> Step? {
    if let id = unwanted.popLast() { return .leave(id) }
    if let id = willing { return beginFetching(from: id, at: now) }
    if let id = source { return leaveIfSlow(id, at: now) }
    guard now < endOfSearch else { return nil }
    for entry in later where entry.due <= now { waiting.append(entry.holder) }
    later.removeAll { $0.due <= now }
    if underWay.count < wanted(at: now), let asked = nextHolder() { return ask(asked) }
    guard underWay.count < wanted(at: now), mayLookUp else { return nil }
    isLookingUp = true
    return .lookUp
  }

  /// Call it when there is no step.
  package func rest(at now: NIODeadline) -> Rest {
    if source != nil { return .until(endOfRate) }
    let hasNobody = waiting.isEmpty && hurried.isEmpty && slow.isEmpty && later.isEmpty
    if hasNobody, underWay.isEmpty, !isLookingUp, !mayLookUp { return .end }
    guard now < endOfSearch else { return .end }
    guard !waiting.isEmpty || !hurried.isEmpty || mayLookUp else {
      return .until(later.map(\.due).min().map { min($0, endOfSearch) } ?? endOfSearch)
    }
    let staggers = (now - searchBegan).nanoseconds / max(bounds.stagger.nanoseconds, 1)
    return .until(min(searchBegan + bounds.stagger * (staggers + 1), endOfSearch))
  }

  private var endOfSearch: NIODeadline { lastGain + bounds.search }
  private var endOfRate: NIODeadline { rate.since + (rate.isProven ? bounds.slowTime : bounds.trial) }

  /// Number of concurrent questions: one, and one more for each failure and each interval of silence.
  private func wanted(at now: NIODeadline) -> Int {
    let staggers = (now - searchBegan).nanoseconds / max(bounds.stagger.nanoseconds, 1)
    let width = min(bounds.width + failedSince, bounds.maxWidth)
    return min(1 + failedSince + Int(clamping: staggers), width)
  }

  /// Whether the index may know more holders.
  private var mayLookUp: Bool {
    guard !isLookingUp, known.count < bounds.maxHolders else { return false }
    return fruitlessLookups < (claimed > known.count ? bounds.maxFruitlessLookups : 1)
  }

  private mutating func nextHolder() -> Asked? {
    if let holder = waiting.next() {
      let isHurried = failures.silent >= bounds.silentBeforeHurry
      return Asked(holder: holder, pace: isHurried ? .hurried : known.count == 1 ? .patient : .usual)
    }
    guard !isLookingUp, !mayLookUp else { return nil }
    if let holder = hurried.next() { return Asked(holder: holder, pace: .usual) }
    guard underWay.isEmpty else { return nil }
    return slow.popLast().map { Asked(holder: $0, pace: .usual, isLastResort: true) }
  }

  private mutating func ask(_ asked: Asked) -> Step {
    let id = nextID
    nextID += 1
    let isAlone = underWay.isEmpty
    underWay[id] = asked
    return .ask(id, asked.holder, pace: asked.pace, isAlone: isAlone)
  }

  /// Leaves the other holders, which are asked again if this one fails.
  private mutating func beginFetching(from id: ID, at now: NIODeadline) -> Step {
    willing = nil
    source = id
    rate = (now, 0, false)
    for (other, asked) in underWay where other != id {
      unwanted.append(other)
      waiting.append(asked.holder)
    }
    underWay = underWay.filter { $0.key == id }
    return .fetch(from: id)
  }

  private mutating func endFetching(at now: NIODeadline) {
    source = nil
    searchBegan = now
    failedSince = 0
    fruitlessLookups = 0
  }

  private mutating func leaveIfSlow(_ id: ID, at now: NIODeadline) -> Step? {
    guard now >= endOfRate else { return nil }
    let isSlow = rate.bytes < (rate.isProven ? bounds.slowBytes : 1)
    rate = (now, 0, true)
    guard isSlow, !waiting.isEmpty, let asked = underWay[id], !asked.isLastResort else { return nil }
    underWay[id] = nil
    slow.append(asked.holder)
    endFetching(at: now)
    return .leave(id)
  }
}
