// SPDX-License-Identifier: Apache-2.0

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
    fileprivate let content: Content
    fileprivate let number: Int
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
  private var entries: [Content: Entry] = [:]
  private var unwatched = 0
  private var lastNumber = 0

  package init(link: IndexLink) {
    self.link = link
  }

  /// Listens until `end`. What is known already is reported first.
  package func begin(_ content: Content, _ listener: @escaping Listener) -> Token {
    lastNumber += 1
    let token = Token(content: content, number: lastNumber)
    if let entry = entries[content] {
      for holder in entry.holders.values { listener(.joined(holder)) }
      if entry.isCurrent { listener(.current) }
    } else {
      entries[content] = Entry(number: lastNumber)
      follow(content)
    }
    entries[content]?.listeners[token.number] = listener
    return token
  }

  package func end(_ token: Token) {
    guard entries[token.content]?.listeners.removeValue(forKey: token.number) != nil,
      entries[token.content]?.listeners.isEmpty == true
    else { return }
    if let task = entries[token.content]?.task { task.cancel() } else { unwatched -= 1 }
    entries[token.content] = nil
  }

  /// The holders that the index shows; `nil` if they are not watched now.
  package func holders(of content: Content) -> [Holder]? {
    guard let entry = entries[content], entry.isCurrent else { return nil }
    return Array(entry.holders.values)
  }

  // MARK: The watch

  private func follow(_ content: Content) {
    guard let number = entries[content]?.number else { return }
    entries[content]?.task = Task { [link] in
      guard let subscription = await link.subscribe(.content(content), for: .download) else {
        return self.foundNoRoom(content, number)
      }
      await withTaskCancellationHandler {
        while let news = await link.news(of: subscription) { self.take(news, content, number) }
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

  private func foundNoRoom(_ content: Content, _ number: Int) {
    guard entries[content]?.number == number else { return }
    entries[content]?.task = nil
    unwatched += 1
  }

  private func take(_ news: [WatchMachine.News], _ content: Content, _ number: Int) {
    for item in news {
      guard let entry = entries[content], entry.number == number else { return }
      let report: News
      switch item {
      case .holder(.left, let holder):
        entries[content]?.holders[holder.id] = nil
        continue
      case .holder(_, let holder):
        guard entry.holders.count < Self.maxHolders || entry.holders[holder.id] != nil else { continue }
        entries[content]?.holders[holder.id] = holder
        report = .joined(holder)
      case .current:
        entries[content]?.isCurrent = true
        report = .current
      case .interrupted, .refused:
        entries[content]?.isCurrent = false
        entries[content]?.holders = [:]
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
