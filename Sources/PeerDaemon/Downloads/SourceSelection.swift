// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import DocumentModel

/// Which of those who are said to have a content are asked, when, and who of them gives it: a value without I/O.
///
/// Several are asked at a time, so that many who do not answer hold up nobody who does; one gives at a time. What happens
/// goes in by `add`, `isWilling`, `failed`, …; then `step` is called until it has nothing more to do now.
///
/// An index may name thousands who do not answer. The first is asked alone; with each that fails, and with time, more are
/// asked at once; after many were silent, the next ones get less time. Hosts take turns, so that ten thousand claims of
/// one host do not stand before the one of another.
package struct SourceSelection {
  package typealias ID = Int

  package struct Bounds: Sendable {
    /// How many are asked at once, at first and at most.
    package var width = 8
    package var maxWidth = 128
    /// Holders that are remembered at once; no more of them are taken in.
    package var maxHolders = 16_384
    /// After this time without an answer one more is asked.
    package var stagger = TimeAmount.milliseconds(250)
    /// After so many were silent, time is short for the others.
    package var silentBeforeHurry = 16
    /// How long all may take together until somebody gives something.
    package var search = TimeAmount.seconds(120)
    /// Questions to the index in a row that may name nobody new.
    package var maxFruitlessLookups = 3
    /// Who has given nothing after this time, or less than `slowBytes` in a `slowTime`, is left while there are others.
    package var trial = TimeAmount.seconds(2)
    package var slowBytes: Int64 = 64 * 1024
    package var slowTime = TimeAmount.seconds(10)

    package init() {}
  }

  package enum Step: Equatable {
    /// Connect, and ask whether it has the content; where nobody else is asked, ask for its beginning at once.
    case ask(ID, Holder, pace: Pace, isAlone: Bool)
    /// Let it give what is missing.
    case fetch(from: ID)
    /// Close the connection; nothing more is to be said of it.
    case leave(ID)
    /// Ask the index who else has the content; then call `add` or `isFruitless`.
    case lookUp
  }

  /// How much time there is for an answer.
  package enum Pace: Equatable, Sendable {
    /// There is nobody else.
    case patient
    case usual
    case hurried
  }

  /// What is to be done when there is no step left now.
  package enum Rest: Equatable {
    /// Call `step` again then, if nothing else has happened before.
    case until(NIODeadline)
    /// Nobody is left to be asked, or there is no time left.
    case end
  }

  private struct Asked {
    let holder: Holder
    let pace: Pace
    var isLastResort = false
  }

  private let bounds: Bounds
  private var waiting = HolderQueue()
  /// Who did not answer in a hurry: asked once more when all others were asked.
  private var hurried = HolderQueue()
  /// Who was too slow while there were others.
  private var slow: [Holder] = []
  private var known: Set<HolderID> = []
  private var underWay: [ID: Asked] = [:]
  private var nextID: ID = 0
  private var source: ID?
  private var willing: ID?
  private var unwanted: [ID] = []

  package private(set) var failures = SourceFailures()
  private var searchBegan: NIODeadline
  private var lastGain: NIODeadline
  /// What the source has given since then, and whether it has given anything before.
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

  /// How many are known, those that were asked included.
  package var holderCount: Int { known.count }

  // MARK: What happens

  /// Takes in who is said to have the content.
  ///
  /// - Parameter total: how many there are in all, as the index says.
  package mutating func add(_ holders: some Sequence<Holder>, total: Int) {
    let before = known.count
    for holder in holders where known.count < bounds.maxHolders {
      if known.insert(holder.id).inserted { waiting.append(holder) }
    }
    isLookingUp = false
    claimed = total
    fruitlessLookups = known.count > before ? 0 : fruitlessLookups + 1
  }

  /// The index named nobody.
  package mutating func isFruitless() {
    isLookingUp = false
    fruitlessLookups = bounds.maxFruitlessLookups
  }

  /// One that is asked has the content, and says that it will give it.
  package mutating func isWilling(_ id: ID) {
    guard underWay[id] != nil, source == nil, willing == nil else { return }
    willing = id
  }

  /// So many bytes more are verified.
  package mutating func gained(_ bytes: Int64, at now: NIODeadline) {
    lastGain = now
    rate.bytes += bytes
  }

  /// One that was asked, or that gave, does so no more.
  ///
  /// - Parameter gained: how much it had given. Who has given something and was then lost may only have been started anew.
  package mutating func failed(_ id: ID, _ failure: SourceFailure, gained: Int64, at now: NIODeadline) {
    guard let asked = underWay.removeValue(forKey: id) else { return }
    failures.note(asked.holder, failure)
    failedSince += 1
    if willing == id { willing = nil }
    if source == id { endFetching(at: now) }
    if gained > 0, failure.mayPass { waiting.append(asked.holder) }
    if failure == .silent, asked.pace == .hurried { hurried.append(asked.holder) }
  }

  // MARK: What is to be done

  package mutating func step(at now: NIODeadline) -> Step? {
    if let id = unwanted.popLast() { return .leave(id) }
    if let id = willing { return beginFetching(from: id, at: now) }
    if let id = source { return leaveIfSlow(id, at: now) }
    guard now < endOfSearch else { return nil }
    if underWay.count < wanted(at: now), let asked = nextHolder() { return ask(asked) }
    guard underWay.count < wanted(at: now), mayLookUp else { return nil }
    isLookingUp = true
    return .lookUp
  }

  /// To be called where there is no step.
  package func rest(at now: NIODeadline) -> Rest {
    if source != nil { return .until(endOfRate) }
    let hasNobody = waiting.isEmpty && hurried.isEmpty && slow.isEmpty
    if hasNobody, underWay.isEmpty, !isLookingUp, !mayLookUp { return .end }
    guard now < endOfSearch else { return .end }
    guard !waiting.isEmpty || !hurried.isEmpty || mayLookUp else { return .until(endOfSearch) }
    let staggers = (now - searchBegan).nanoseconds / max(bounds.stagger.nanoseconds, 1)
    return .until(min(searchBegan + bounds.stagger * (staggers + 1), endOfSearch))
  }

  private var endOfSearch: NIODeadline { lastGain + bounds.search }
  private var endOfRate: NIODeadline { rate.since + (rate.isProven ? bounds.slowTime : bounds.trial) }

  /// How many are to be asked at once: one, one more for each that has failed and for each stretch of silence.
  private func wanted(at now: NIODeadline) -> Int {
    let staggers = (now - searchBegan).nanoseconds / max(bounds.stagger.nanoseconds, 1)
    let width = min(bounds.width + failedSince, bounds.maxWidth)
    return min(1 + failedSince + Int(clamping: staggers), width)
  }

  /// Whether the index may know somebody whom we do not.
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

  /// The others are left, and asked again if this one fails.
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
