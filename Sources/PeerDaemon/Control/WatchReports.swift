// SPDX-License-Identifier: Apache-2.0

import WireProtocol

/// Reports what changes about documents to a front end, until it disconnects.
struct WatchReports {
  let link: IndexLink

  /// - Throws: always: `unavailable`, `too-many`, or `cancelled` when the client has disconnected.
  func send(_ filter: DocumentFilter, to events: ControlEvents) async throws(WireFailure) -> any WireReply {
    try await link.requireConnection()
    // The initial state is what `list` shows.
    guard
      let subscription = await link.subscribe(
        .documents(filter), for: .frontEnd, in: link.passes.home, takesState: false)
    else {
      throw WireFailure(
        .tooMany, "the daemon watches for as many front ends as the index allows; end another watch first",
        limit: .init("watches", IndexLimits().watches))
    }
    let failure = await withTaskCancellationHandler {
      await report(subscription, to: events)
    } onCancel: {
      Task { [link] in await link.unsubscribe(subscription) }
    }
    await link.unsubscribe(subscription)
    throw failure
  }

  private func report(_ subscription: IndexLink.Subscription, to events: ControlEvents) async -> WireFailure {
    while let news = await link.news(of: subscription) {
      do throws(WireFailure) {
        var batch = [ControlEvent]()
        for item in news { batch += try Self.events(item) }
        try await events.send(batch)
      } catch {
        return error
      }
    }
    return Task.isCancelled
      ? WireFailure(.cancelled, "client disconnected")
      : WireFailure(.unavailable, "the daemon is stopping", retryAfter: 1)
  }

  private static func events(_ news: WatchMachine.News) throws(WireFailure) -> [ControlEvent] {
    switch news {
    case .document(let change, let document, let total): return [.changed(change, document, total: total)]
    case .current: return [.current]
    case .interrupted(.connectionLost): return [.disconnected]
    case .interrupted(.overflow): return [.overflow]
    case .refused(let failure) where failure.code == .unknownOperation:
      throw WireFailure(
        .unavailable, "the index cannot report changes: it runs an older version; p2pctl list shows what is there")
    case .refused(let failure): throw failure
    case .holder: return []
    }
  }
}
