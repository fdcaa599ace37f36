// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import NIOCore
package import WireProtocol

/// Subscriptions to what changes at the index.
extension IndexLink {
  /// Held by its owner, over any number of connections. End it by `unsubscribe`.
  package struct Subscription: Hashable, Sendable {
    fileprivate let id: WatchMachine.ID
  }

  /// - Parameters:
  ///   - home: the network to which it belongs: the index of another one is not asked; `nil` for any.
  ///   - takesState: whether the initial state is news as well, besides changes.
  /// - Returns: `nil` if there are too many: the owner has to ask the index.
  package func subscribe(
    _ query: WatchQuery, for owner: WatchMachine.Owner, in home: Home? = nil, takesState: Bool = true
  ) -> Subscription? {
    guard pending.count < Self.maxPending,
      let (id, actions) = watching.subscribe(query, for: owner, in: home, takesState: takesState)
    else { return nil }
    carryOut(actions)
    return Subscription(id: id)
  }

  package func unsubscribe(_ subscription: Subscription) {
    carryOut(watching.unsubscribe(subscription.id))
    owners.removeValue(forKey: subscription.id)?.resume(returning: nil)
  }

  /// Waits for news, and takes all there is, at least one. One call at a time.
  /// - Returns: `nil` when the subscription has ended.
  package func news(of subscription: Subscription) async -> [WatchMachine.News]? {
    let id = subscription.id
    guard owners[id] == nil, let (news, actions) = watching.take(id, using: &random) else { return nil }
    carryOut(actions)
    guard news.isEmpty else { return news }
    return await withCheckedContinuation { owners[id] = $0 }
  }

  /// Ends all subscriptions; there will be no others.
  package func endSubscriptions() {
    watching.end()
    let waiting = owners
    owners = [:]
    for owner in waiting.values { owner.resume(returning: nil) }
  }

  func carryOut(_ actions: [WatchMachine.Action]) {
    for action in actions {
      switch action {
      case .watch(let id, let query):
        submit(.watch(query)) { link, reply in
          let number = Result { () throws(WireFailure) in
            try link.understood(try reply.get(), WatchReply.init).watch
          }
          link.carryOut(link.watching.answered(id, number, using: &link.random))
        }
      case .unwatch(let number): submit(.unwatch(number)) { link, _ in link.watching.unwatched(number) }
      case .wait(let id, let duration):
        loop.scheduleTask(in: TimeAmount(duration)) {
          self.assumeIsolated { $0.carryOut($0.watching.timerFired(id)) }
        }
      case .deliver(let id):
        guard let owner = owners[id], let (news, next) = watching.take(id, using: &random), !news.isEmpty else {
          continue
        }
        owners[id] = nil
        owner.resume(returning: news)
        carryOut(next)
      case .close(let reason): breakOff("malformed event from the index", reason)
      }
    }
  }
}
