// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import NIOCore
import WireProtocol

/// Decides which holders of a content are asked and kept as sources, and when the index is asked for more: a value without
/// I/O.
///
/// Report events by `add`, `answered`, `failed`, …, then call `step` until it returns `nil`. An index may name thousands of
/// holders that do not answer: several are asked at a time, more with each failure; after many silent ones, the next get less
/// time. Hosts take turns, so that ten thousand claims of one host do not delay the one of another.
package struct SourceSelection {
  package typealias ID = Int

  package struct Bounds: Sendable {
    /// Sources at a time.
    package var sources = 32
    /// Concurrent questions, at first and at most.
    package var width = 8
    package var maxWidth = 128
    /// Maximum number of known holders; further ones are ignored.
    package var maxHolders = 16_384
    /// Failed holders, per look-up, after which the other ones of that look-up are left: an index may name thousands that
    /// never were.
    package var maxFailed = 256
    /// Failed holders over all look-ups, without a byte from anybody, after which the search is over.
    package var maxFailedInAll = 1024
    /// A round without a look-up lasts this long.
    package var round = TimeAmount.seconds(30)
    /// Holders of which a watch shows each; of more it shows some.
    package var shownHolders = 50
    /// For a content of one piece: without progress, one more holder is asked each interval.
    package var stagger = TimeAmount.milliseconds(250)
    /// Number of silent holders after which the others get less time.
    package var silentBeforeHurry = 16
    /// Maximum time without a verified byte from any source.
    package var search = TimeAmount.seconds(120)
    /// Maximum number of consecutive lookups without a new holder, while there is no source.
    package var maxFruitlessLookups = 3
    /// The first times, since the start, at which the index is asked for other holders; afterwards the range of intervals.
    package var lookUps: [TimeAmount] = [200, 400, 800, 1600, 3200].map { .milliseconds($0) }
    package var lookUpIntervals: ClosedRange<Double> = 5...30
    /// How often a source is replaced while there are more holders than sources.
    package var turn = TimeAmount.seconds(10)
    /// Longest wait for a holder that asked to come back later; it is asked again until `search` is over.
    package var maxWait = TimeAmount.seconds(30)
    /// Waits before a source that delivered and was lost or stalled is asked again: it may be restarting.
    package var pauses: [TimeAmount] = [500, 1000, 2000, 4000].map { .milliseconds($0) }

    package init() {}
  }

  package enum Step: Equatable {
    /// Connect and ask what it has.
    case ask(ID, Holder, pace: Pace)
    /// There are more holders than sources: leave the least useful source, by `replaced`, for another one.
    case replaceOne
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
    var isSource = false
  }

  private let bounds: Bounds
  /// Whether one source is enough: of a content of one piece nobody has a part.
  private let isSmall: Bool
  /// 0..<1: spreads the look-ups of many downloads.
  private let jitter: Double
  private var waiting = HolderQueue()
  /// Holders that did not answer in the shorter time; asked once more after all others.
  private var hurried = HolderQueue()
  /// Holders that are asked again later.
  private var later: [(due: NIODeadline, holder: Holder)] = []
  private var known: Set<HolderID> = []
  /// Holders that delivered something, and how often they failed since.
  private var proven: [HolderID: Int] = [:]
  private var asked: [ID: Asked] = [:]
  private var sources = 0
  private var nextID: ID = 0

  package private(set) var failures = SourceFailures()
  private let began: NIODeadline
  private var lastGain: NIODeadline
  /// Since when there is no progress, for the stagger.
  private var searchBegan: NIODeadline
  private var lastTurn: NIODeadline
  private var failedSince = 0
  /// Since the last look-up, or in this round.
  private var failedInRound = 0
  private var failedSinceGain = 0
  private var roundBegan: NIODeadline
  /// Holders that are not asked again unless they join again.
  private var abandoned: Set<HolderID> = []
  private var isWatched = false

  private var isLookingUp = false
  private var lookUps = 0
  private var nextLookUp: NIODeadline
  private var fruitlessLookups = 0
  private var claimed = 0

  package init(bounds: Bounds = Bounds(), isSmall: Bool = false, jitter: Double = 0.5, at now: NIODeadline) {
    self.bounds = bounds
    self.isSmall = isSmall
    self.jitter = jitter
    began = now
    lastGain = now
    searchBegan = now
    lastTurn = now
    roundBegan = now
    nextLookUp = bounds.lookUps.first.map { now + $0 } ?? .distantFuture
  }

  /// Whether a source delivered something and none of it was wrong.
  package var hadHonestSource: Bool { !proven.isEmpty }

  /// Number of known holders, including those that were asked.
  package var holderCount: Int { known.count }

  // MARK: Events

  /// Adds holders of the content.
  ///
  /// - Parameter total: total number of holders reported by the index.
  package mutating func add(_ holders: some Sequence<Holder>, total: Int, at now: NIODeadline) {
    let before = known.count
    for holder in holders where known.count < bounds.maxHolders && !isExhausted {
      if known.insert(holder.id).inserted { waiting.append(holder) }
    }
    claimed = total
    beginRound(at: now)
    fruitlessLookups = known.count > before ? 0 : fruitlessLookups + 1
    if isLookingUp { lookedUp(at: now) }
  }

  private mutating func beginRound(at now: NIODeadline) {
    roundBegan = now
    failedInRound = 0
  }

  /// The index reports one more holder, or one that is back.
  package mutating func joined(_ holder: Holder, at now: NIODeadline) {
    if now >= roundBegan + bounds.round { beginRound(at: now) }
    guard failedInRound < bounds.maxFailed, !isExhausted else { return }
    let isBack = abandoned.remove(holder.id) != nil
    guard isBack || known.count < bounds.maxHolders && known.insert(holder.id).inserted else { return }
    waiting.append(holder)
  }

  /// Whether each holder that joins is reported: then the index is not asked from time to time.
  package mutating func watched(_ isWatched: Bool) {
    self.isWatched = isWatched
  }

  /// The index could not be asked.
  package mutating func lookUpFailed(at now: NIODeadline) {
    fruitlessLookups = bounds.maxFruitlessLookups
    lookedUp(at: now)
  }

  private mutating func lookedUp(at now: NIODeadline) {
    isLookingUp = false
    while lookUps < bounds.lookUps.count, began + bounds.lookUps[lookUps] <= now { lookUps += 1 }
    if lookUps < bounds.lookUps.count {
      nextLookUp = began + bounds.lookUps[lookUps]
    } else {
      lookUps += 1
      let part = (jitter + Double(lookUps) * 0.618).truncatingRemainder(dividingBy: 1)
      let range = bounds.lookUpIntervals
      nextLookUp = now + .milliseconds(Int64((range.lowerBound + part * (range.upperBound - range.lowerBound)) * 1000))
    }
  }

  /// A holder said what it has: it is a source now.
  package mutating func answered(_ id: ID) {
    guard asked[id]?.isSource == false else { return }
    asked[id]?.isSource = true
    sources += 1
  }

  /// More bytes were verified.
  package mutating func gained(at now: NIODeadline) {
    failedSinceGain = 0
    held(at: now)
  }

  /// The limit of the user delays the download, not its sources.
  package mutating func held(at now: NIODeadline) {
    lastGain = now
    searchBegan = now
  }

  /// A holder that was asked, or a source, failed.
  ///
  /// - Parameter gained: bytes it delivered. A lost source that delivered something may have been restarted and is asked again.
  package mutating func failed(_ id: ID, _ failure: SourceFailure, gained: Int64, at now: NIODeadline) {
    guard let entry = remove(id) else { return }
    failures.note(entry.holder, failure)
    failedSince += 1
    switch failure {
    case .busy(let refusal):
      let wait = min(TimeAmount.seconds(Int64(max(refusal.retryAfter ?? 1, 1))), bounds.maxWait)
      later.append((now + wait, entry.holder))
    case .silent where entry.pace == .hurried && failedInRound + 1 < bounds.maxFailed:
      failedWithoutGain()
      hurried.append(entry.holder)
    default:
      if gained == 0 { failedWithoutGain() }
      retry(entry.holder, failure, gained: gained, at: now)
    }
  }

  private mutating func failedWithoutGain() {
    failedInRound += 1
    failedSinceGain += 1
    guard failedInRound == bounds.maxFailed || isExhausted else { return }
    waiting = HolderQueue()
    hurried = HolderQueue()
  }

  private mutating func retry(_ holder: Holder, _ failure: SourceFailure, gained: Int64, at now: NIODeadline) {
    if case .wrongBytes = failure { proven[holder.id] = nil } else if gained > 0 { proven[holder.id] = 0 }
    guard failure.isTemporary, let tries = proven[holder.id], bounds.pauses.indices.contains(tries) else {
      if failure.mayPass { abandoned.insert(holder.id) }
      return
    }
    proven[holder.id] = tries + 1
    later.append((now + bounds.pauses[tries], holder))
  }

  /// A source was left for another one; its turn comes again after the others.
  package mutating func replaced(_ id: ID, at now: NIODeadline) {
    lastTurn = now
    guard let entry = remove(id) else { return }
    waiting.append(entry.holder)
  }

  private mutating func remove(_ id: ID) -> Asked? {
    guard let entry = asked.removeValue(forKey: id) else { return nil }
    if entry.isSource { sources -= 1 }
    return entry
  }

  // MARK: Decisions

  package mutating func step(at now: NIODeadline) -> Step? {
    guard now < endOfSearch else { return nil }
    for entry in later where entry.due <= now { waiting.append(entry.holder) }
    later.removeAll { $0.due <= now }
    if mayAsk(at: now), let next = nextHolder() { return ask(next) }
    if isTurnDue(at: now) {
      lastTurn = now
      return .replaceOne
    }
    guard isLookUpDue(at: now) else { return nil }
    isLookingUp = true
    return .lookUp
  }

  /// Call it when there is no step.
  package func rest(at now: NIODeadline) -> Rest {
    guard now < endOfSearch else { return .end }
    let hasNobody = waiting.isEmpty && hurried.isEmpty && later.isEmpty && asked.isEmpty
    if hasNobody, !isLookingUp, !mayLookUpMore { return .end }
    var due = endOfSearch
    if !isLookingUp, !isSmall, !isCovered { due = min(due, nextLookUp) }
    for entry in later { due = min(due, entry.due) }
    if !waiting.isEmpty {
      if sources >= bounds.sources { due = min(due, lastTurn + bounds.turn) }
      if isSmall { due = min(due, searchBegan + bounds.stagger * (staggers(at: now) + 1)) }
    }
    return .until(max(due, now + .milliseconds(1)))
  }

  private var endOfSearch: NIODeadline { lastGain + bounds.search }

  private func staggers(at now: NIODeadline) -> Int64 {
    (now - searchBegan).nanoseconds / max(bounds.stagger.nanoseconds, 1)
  }

  private func mayAsk(at now: NIODeadline) -> Bool {
    let questions = asked.count - sources
    guard failedInRound >= bounds.maxFailed || failedInRound + questions < bounds.maxFailed else { return false }
    guard isExhausted || failedSinceGain + questions < bounds.maxFailedInAll else { return false }
    let width = min(bounds.width + failedSince, bounds.maxWidth)
    guard isSmall else { return sources < bounds.sources && questions < width }
    // One source is enough, unless it is late.
    return asked.count < min(1 + failedSince + Int(clamping: staggers(at: now)), width)
  }

  private func isTurnDue(at now: NIODeadline) -> Bool {
    !isSmall && !waiting.isEmpty && sources >= bounds.sources && now >= lastTurn + bounds.turn
  }

  /// Whether so many holders have failed that those of further look-ups are not asked.
  private var isExhausted: Bool { failedSinceGain >= bounds.maxFailedInAll }

  /// Whether the index may know more holders although the last answers had none.
  private var mayLookUpMore: Bool {
    known.count < bounds.maxHolders && !isExhausted
      && fruitlessLookups < (claimed > known.count ? bounds.maxFruitlessLookups : 1)
  }

  /// Whether the watch reports all holders there are.
  private var isCovered: Bool { isWatched && claimed <= bounds.shownHolders }

  private func isLookUpDue(at now: NIODeadline) -> Bool {
    guard !isLookingUp, known.count < bounds.maxHolders, !isExhausted else { return false }
    if !isSmall, !isCovered, now >= nextLookUp { return true }
    // Nobody is left to ask: more are needed at once.
    return waiting.isEmpty && sources == 0 && mayLookUpMore && mayAsk(at: now)
  }

  private mutating func nextHolder() -> Asked? {
    if let holder = waiting.next() {
      let isHurried = failures.silent >= bounds.silentBeforeHurry
      return Asked(holder: holder, pace: isHurried ? .hurried : known.count == 1 ? .patient : .usual)
    }
    guard sources == 0, !isLookingUp, !mayLookUpMore, let holder = hurried.next() else { return nil }
    return Asked(holder: holder, pace: .usual)
  }

  private mutating func ask(_ entry: Asked) -> Step {
    let id = nextID
    nextID += 1
    asked[id] = entry
    return .ask(id, entry.holder, pace: entry.pace)
  }
}
