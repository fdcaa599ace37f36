// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import WireProtocol

/// Watches at the index who holds the contents of downloads: one watch per content, however many listen.
///
/// There may be more contents than the index allows watches. The listeners of the others hear nothing until a watch is free,
/// and ask the index meanwhile.
package actor HolderWatches {
  package enum News: Equatable, Sendable {
    /// A holder has joined, or has the whole content now. Before `current` it may have been there for long.
    case joined(Holder)
    /// All holders that the index shows have been reported; from now on each change is reported at once.
    case current
    /// Holders may come unnoticed until the next `current`.
    case uncertain
  }

  /// Called on this actor; must not block.
  package typealias Listener = @Sendable (News) -> Void

  package struct Token: Hashable, Sendable {
    fileprivate let subject: Subject
    fileprivate let number: Int
  }

  /// A content in the network in which its downloads began: the indexes of others do not hear of it.
  fileprivate struct Subject: Hashable, Sendable {
    let content: Content
    let home: Home
  }

  private struct Entry {
    let number: Int
    var listeners: [Int: Listener] = [:]
    var holders: [HolderID: Holder] = [:]
    var isCurrent = false
    /// `nil` while no watch is free.
    var task: Task<Void, Never>?
  }

  /// Of one content; an index shows fewer.
  private static let maxHolders = 1024

  private let link: IndexLink
  private var entries: [Subject: Entry] = [:]
  private var unwatched = 0
  private var lastNumber = 0

  package init(link: IndexLink) {
    self.link = link
  }

  /// Listens until `end`. What is known already is reported first.
  package func begin(_ content: Content, in home: Home, _ listener: @escaping Listener) -> Token {
    lastNumber += 1
    let subject = Subject(content: content, home: home)
    let token = Token(subject: subject, number: lastNumber)
    if let entry = entries[subject] {
      for holder in entry.holders.values { listener(.joined(holder)) }
      if entry.isCurrent { listener(.current) }
    } else {
      entries[subject] = Entry(number: lastNumber)
      follow(subject)
    }
    entries[subject]?.listeners[token.number] = listener
    return token
  }

  package func end(_ token: Token) {
    guard entries[token.subject]?.listeners.removeValue(forKey: token.number) != nil,
      entries[token.subject]?.listeners.isEmpty == true
    else { return }
    if let task = entries[token.subject]?.task { task.cancel() } else { unwatched -= 1 }
    entries[token.subject] = nil
  }

  /// The holders that the index shows; `nil` if they are not watched now.
  package func holders(of content: Content, in home: Home) -> [Holder]? {
    guard let entry = entries[Subject(content: content, home: home)], entry.isCurrent else { return nil }
    return Array(entry.holders.values)
  }

  // MARK: The watch

  private func follow(_ subject: Subject) {
    guard let number = entries[subject]?.number else { return }
    entries[subject]?.task = Task { [link] in
      guard
        let subscription = await link.subscribe(.content(subject.content), for: .download, in: subject.home)
      else { return self.foundNoRoom(subject, number) }
      await withTaskCancellationHandler {
        while let news = await link.news(of: subscription) { self.take(news, subject, number) }
      } onCancel: {
        Task { await self.unsubscribe(subscription) }
      }
    }
  }

  private func unsubscribe(_ subscription: IndexLink.Subscription) async {
    await link.unsubscribe(subscription)
    guard unwatched > 0, let next = entries.first(where: { $0.value.task == nil })?.key else { return }
    unwatched -= 1
    follow(next)
  }

  private func foundNoRoom(_ subject: Subject, _ number: Int) {
    guard entries[subject]?.number == number else { return }
    entries[subject]?.task = nil
    unwatched += 1
  }

  private func take(_ news: [WatchMachine.News], _ subject: Subject, _ number: Int) {
    for item in news {
      guard let entry = entries[subject], entry.number == number else { return }
      let report: News
      switch item {
      case .holder(.left, let holder):
        entries[subject]?.holders[holder.id] = nil
        continue
      case .holder(_, let holder):
        guard entry.holders.count < Self.maxHolders || entry.holders[holder.id] != nil else { continue }
        entries[subject]?.holders[holder.id] = holder
        report = .joined(holder)
      case .current:
        entries[subject]?.isCurrent = true
        report = .current
      case .interrupted, .refused:
        entries[subject]?.isCurrent = false
        entries[subject]?.holders = [:]
        report = .uncertain
      case .document: continue
      }
      for listener in entry.listeners.values { listener(report) }
    }
  }
}

/// How often a download may begin because a holder has joined: an index that lies must not make peers connect to strangers
/// without end.
package struct WakeBudget: Equatable, Sendable {
  private static let most = 4
  private static let interval = 10.0

  private var left = most
  private var earned: Double

  /// - Parameter now: seconds of any clock.
  package init(at now: Double) {
    earned = now
  }

  /// - Returns: whether one more is allowed now.
  package mutating func take(at now: Double) -> Bool {
    let count = max(((now - earned) / Self.interval).rounded(.down), 0)
    if count >= 1 {
      left = min(left + Int(min(count, Double(Self.most))), Self.most)
      earned += count * Self.interval
    }
    guard left > 0 else { return false }
    left -= 1
    return true
  }
}
