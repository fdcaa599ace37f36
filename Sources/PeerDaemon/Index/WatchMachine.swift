// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
package import NIOCore
package import WireProtocol

/// The watches on the connection to the index, of all their owners: a value without I/O.
///
/// An owner subscribes and takes the news in order. A subscription outlives the connection and an overflow: the owner gets
/// `interrupted`, the index is asked to watch once more, and what follows is the whole state. That begins only after the
/// owner has taken the interruption: an owner that does not read costs the index nothing, and its queue stays bounded.
package struct WatchMachine {
  package typealias ID = Int

  /// Who subscribes. Downloads leave a quarter of the watches to front ends.
  package enum Owner: Sendable {
    case download
    case frontEnd
  }

  package enum News: Equatable, Sendable {
    case holder(HolderChange, Holder)
    case document(DocumentChange, Document, total: Int)
    /// The whole state has been reported; what follows are changes.
    case current
    /// Changes may be missed until the next `current`.
    case interrupted(Interruption)
    /// The index does not watch this now. It is asked once more after a pause or on the next connection.
    case refused(WireFailure)
  }

  package enum Interruption: Equatable, Sendable {
    case connectionLost
    /// The index or this queue had no room for more.
    case overflow
  }

  package enum Phase: Equatable, Sendable {
    /// No connection. To `asked` by a connection.
    case waiting
    /// `watch` was sent. To `watching`, `pausing` or `refused` by the reply, to `waiting` by a loss.
    case asked
    /// `seq` is that of the last event. To `interrupted` by a loss or an overflow.
    case watching(number: Int, seq: Int, isCurrent: Bool)
    /// The owner has not taken the interruption. To `asked`, `waiting` or `pausing` when it does.
    case interrupted(Interruption)
    /// To `asked` or `waiting` by the timer.
    case pausing
    /// Until the next connection. To `waiting` by a loss.
    case refused
  }

  package enum Action: Equatable {
    /// Send `watch`; `answered` follows.
    case watch(ID, WatchQuery)
    /// Send `unwatch`; `unwatched` follows.
    case unwatch(Int)
    /// Call `timerFired` after this.
    case wait(ID, Duration)
    /// There is news to take.
    case deliver(ID)
    /// The index breaks the protocol.
    case close(String)
  }

  private struct Entry {
    let query: WatchQuery
    let owner: Owner
    let takesState: Bool
    /// The only network whose index is asked; `nil` for any.
    let home: Home?
    var phase = Phase.waiting
    var news: [News] = []
    /// Of `news`, in bytes.
    var size = 0
    var backoff = Backoff(first: .seconds(1), longest: .seconds(60))
    var currentSince = NIODeadline.distantFuture
  }

  /// Bytes of the news that one owner has not taken.
  package static let maxSize = 4 << 20
  /// In memory an event takes about this much more than on the wire.
  private static let overhead = 256
  /// A watch that was current for this long was a success.
  private static let lasting = TimeAmount.seconds(30)

  private var entries: [ID: Entry] = [:]
  private var byNumber: [Int: ID] = [:]
  /// Numbers whose `unwatch` is not answered: their events are still under way.
  private var ending: Set<Int> = []
  private var lastID = 0
  /// Watches that the index allows; `nil` without a connection.
  private var limit: Int?
  /// That of the connection.
  private var network = Home.nowhere
  private var isSupported = true
  private var hasEnded = false

  package init() {}

  package func phase(of id: ID) -> Phase? { entries[id]?.phase }
  package var ids: [ID] { entries.keys.sorted() }

  /// Watches that this kind of owner may have at a time.
  package func share(of owner: Owner) -> Int {
    let limit = limit ?? IndexLimits().watches
    let downloads = limit * 3 / 4
    return owner == .download ? downloads : limit - downloads
  }

  // MARK: Owners

  /// - Parameters:
  ///   - home: the network to which it belongs; `nil` for any.
  ///   - takesState: whether the initial state is news as well, besides changes.
  /// - Returns: `nil` if there are too many.
  package mutating func subscribe(
    _ query: WatchQuery, for owner: Owner, in home: Home? = nil, takesState: Bool = true
  ) -> (id: ID, actions: [Action])? {
    guard !hasEnded, entries.values.count(where: { $0.owner == owner }) < share(of: owner) else { return nil }
    lastID += 1
    entries[lastID] = Entry(query: query, owner: owner, takesState: takesState, home: home)
    return (lastID, ask(lastID))
  }

  package mutating func unsubscribe(_ id: ID) -> [Action] {
    guard let entry = entries.removeValue(forKey: id) else { return [] }
    guard case .watching(let number, _, _) = entry.phase else { return [] }
    return end(number)
  }

  /// The owner takes all news.
  /// - Returns: `nil` if there is no such subscription any more.
  package mutating func take(
    _ id: ID, using random: inout some RandomNumberGenerator
  ) -> (news: [News], actions: [Action])? {
    guard let news = entries[id]?.news, let phase = entries[id]?.phase else { return nil }
    entries[id]?.news = []
    entries[id]?.size = 0
    guard !news.isEmpty, case .interrupted(let reason) = phase else { return (news, []) }
    switch reason {
    case .connectionLost: return (news, ask(id))
    case .overflow: return (news, pause(id, atLeast: .zero, &random))
    }
  }

  /// Ends all subscriptions; there will be no others.
  package mutating func end() {
    hasEnded = true
    entries = [:]
  }

  // MARK: The connection

  /// - Parameters:
  ///   - limit: watches that the index allows.
  ///   - network: that of the index.
  package mutating func connected(limit: Int, in network: Home = .open) -> [Action] {
    self.limit = limit
    self.network = network
    isSupported = true
    var actions = [Action]()
    var ranks: [Owner: Int] = [:]
    for id in ids {
      guard let entry = entries[id] else { continue }
      if let failure = elsewhere(entry) {
        if entry.phase == .waiting { actions += refuse(id, failure) }
        continue
      }
      ranks[entry.owner, default: 0] += 1
      guard entry.phase == .waiting else { continue }
      if ranks[entry.owner, default: 0] <= share(of: entry.owner) {
        actions += ask(id)
      } else {
        actions += refuse(
          id, WireFailure(.tooMany, "the index allows \(limit) watches", limit: .init("watches", limit)))
      }
    }
    return actions
  }

  package mutating func disconnected() -> [Action] {
    limit = nil
    byNumber = [:]
    ending = []
    var actions = [Action]()
    for id in ids {
      switch entries[id]?.phase {
      case .asked, .refused: entries[id]?.phase = .waiting
      case .watching: actions += interrupt(id, .connectionLost)
      case .waiting, .interrupted, .pausing, nil: break
      }
    }
    return actions
  }

  /// The reply to `watch`.
  package mutating func answered(
    _ id: ID, _ reply: Result<Int, WireFailure>, using random: inout some RandomNumberGenerator
  ) -> [Action] {
    switch reply {
    case .success(let number):
      guard byNumber[number] == nil, !ending.contains(number) else {
        return [.close("two watches have the number \(number)")]
      }
      // It may have been unsubscribed meanwhile.
      guard entries[id]?.phase == .asked else { return limit == nil ? [] : end(number) }
      byNumber[number] = id
      entries[id]?.phase = .watching(number: number, seq: 0, isCurrent: false)
      entries[id]?.currentSince = .distantFuture
      return []
    case .failure(let failure):
      guard entries[id]?.phase == .asked else { return [] }
      guard failure.code != .unknownOperation else {
        isSupported = false
        return refuse(id, failure)
      }
      return refuse(id, failure) + pause(id, atLeast: .seconds(min(failure.retryAfter ?? 0, 60)), &random)
    }
  }

  /// The reply to `unwatch`: no event of that number follows.
  package mutating func unwatched(_ number: Int) {
    ending.remove(number)
  }

  package mutating func timerFired(_ id: ID) -> [Action] {
    entries[id]?.phase == .pausing ? ask(id) : []
  }

  /// - Parameter size: bytes of the line.
  package mutating func received(_ event: WatchEvent, size: Int, at now: NIODeadline) -> [Action] {
    guard let id = byNumber[event.watch], let entry = entries[id],
      case .watching(let number, let seq, let isCurrent) = entry.phase
    else {
      return ending.contains(event.watch) ? [] : [.close("an event of watch \(event.watch), which does not exist")]
    }
    guard event.seq == seq + 1 else {
      return [.close("event \(event.seq) of watch \(number) comes after event \(seq)")]
    }
    let news: News
    // Before `current`, and not a change of what was there.
    var isState = false
    switch (event.body, entry.query) {
    case (.holder(let change, let holder), .content):
      news = .holder(change, holder)
      isState = !isCurrent && change == .joined
    case (.document(let change, let document, let total), .documents):
      news = .document(change, document, total: total)
      isState = !isCurrent && change == .appeared
    case (.current, _) where !isCurrent:
      news = .current
      entries[id]?.currentSince = now
    case (.overflow, _):
      byNumber[number] = nil
      return interrupt(id, .overflow, at: now)
    case (.holder, _), (.document, _), (.current, _):
      return [.close("an event of a wrong kind for watch \(number)")]
    }
    entries[id]?.phase = .watching(number: number, seq: event.seq, isCurrent: isCurrent || event.body == .current)
    guard !isState || entry.takesState else { return [] }
    guard entry.size + size + Self.overhead <= Self.maxSize else {
      return end(number) + interrupt(id, .overflow, at: now)
    }
    entries[id]?.news.append(news)
    entries[id]?.size += size + Self.overhead
    return [.deliver(id)]
  }

  // MARK: Steps

  private mutating func ask(_ id: ID) -> [Action] {
    guard let entry = entries[id] else { return [] }
    guard limit != nil else {
      entries[id]?.phase = .waiting
      return []
    }
    if let failure = elsewhere(entry) { return refuse(id, failure) }
    guard isSupported else {
      return refuse(id, WireFailure(.unknownOperation, "the index does not report changes"))
    }
    entries[id]?.phase = .asked
    return [.watch(id, entry.query)]
  }

  /// Why this index is not asked.
  private func elsewhere(_ entry: Entry) -> WireFailure? {
    guard let home = entry.home, home != network else { return nil }
    return .elsewhere(home)
  }

  private mutating func end(_ number: Int) -> [Action] {
    byNumber[number] = nil
    ending.insert(number)
    return [.unwatch(number)]
  }

  private mutating func refuse(_ id: ID, _ failure: WireFailure) -> [Action] {
    entries[id]?.phase = .refused
    // One is enough for an owner that does not read.
    if case .refused? = entries[id]?.news.last { return [] }
    entries[id]?.news.append(.refused(failure))
    return [.deliver(id)]
  }

  private mutating func interrupt(_ id: ID, _ reason: Interruption, at now: NIODeadline = .distantPast) -> [Action] {
    if let since = entries[id]?.currentSince, since < now, now - since >= Self.lasting { entries[id]?.backoff.reset() }
    entries[id]?.phase = .interrupted(reason)
    entries[id]?.news.append(.interrupted(reason))
    return [.deliver(id)]
  }

  private mutating func pause(
    _ id: ID, atLeast minimum: Duration, _ random: inout some RandomNumberGenerator
  ) -> [Action] {
    guard let pause = entries[id]?.backoff.next(using: &random) else { return [] }
    entries[id]?.phase = .pausing
    return [.wait(id, max(pause, minimum))]
  }
}
