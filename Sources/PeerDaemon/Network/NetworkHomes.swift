// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
package import Logging
package import NIOPosix
import Synchronization
import WireProtocol

/// Brings what is shared into the network to which it belongs, as soon as an index has said which one it has: before
/// anything is announced there.
package final class NetworkHomes: Sendable {
  /// An index has been reached.
  private struct Arrival: Equatable {
    /// As they were then: another id may be remembered for the address since.
    let places: [IndexPlace]
    let isOwn: Bool
    let network: Home
  }

  private struct State {
    var settled: Arrival?
    /// The last one.
    var arrival: Arrival?
    var closed: (@Sendable (Home) async -> Void)?
    var late: (@Sendable () async -> Void)?
    /// Whether the last try has failed: another one follows.
    var isFailing = false
  }

  private static let retryDelay = Duration.seconds(10)

  private let catalogue: Catalogue
  private let selection: IndexSelection
  private let pool: NIOThreadPool
  private let logger: Logger
  private let sleep: @Sendable (Duration) async throws -> Void
  private let state = Mutex(State())

  package init(
    catalogue: Catalogue, selection: IndexSelection, pool: NIOThreadPool, logger: Logger,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.catalogue = catalogue
    self.selection = selection
    self.pool = pool
    self.logger = logger
    self.sleep = sleep
  }

  /// - Parameters:
  ///   - closed: called when the owner of this machine's open network has closed it.
  ///   - late: called when shares have come into a network only after they were announced there.
  package func tell(closed: @escaping @Sendable (Home) async -> Void, late: @escaping @Sendable () async -> Void) {
    state.withLock { ($0.closed, $0.late) = (closed, late) }
  }

  /// As `IndexLink.Arrived`.
  package func arrived(at address: Endpoint, in network: Home) -> (@Sendable () async -> Void)? {
    switch network {
    case .open, .closed: break
    case .awaited, .nowhere:
      // It waits on.
      state.withLock { ($0.arrival, $0.settled) = (nil, nil) }
      return nil
    }
    let arrival = Arrival(
      places: selection.places(of: address), isOwn: selection.isOwn(address), network: network)
    let isSettled = state.withLock { state in
      state.arrival = arrival
      return state.settled == arrival
    }
    guard !isSettled else { return nil }
    return { await self.settle(arrival) }
  }

  /// Something was shared while its index was awaited, which may have been reached meanwhile.
  func settleAgain() async {
    if let arrival = state.withLock({ $0.arrival }) { await settle(arrival) }
  }

  private func settle(_ arrival: Arrival) async {
    do throws(WireFailure) {
      let hasClosed = try await pool.store { [catalogue] () throws(StoreError) in
        try catalogue.settleHomes(at: arrival.places, isOwn: arrival.isOwn, in: arrival.network)
      }
      let (closed, late) = state.withLock { state in
        defer { state.isFailing = false }
        state.settled = arrival
        return (state.closed, state.isFailing ? state.late : nil)
      }
      if hasClosed { await closed?(arrival.network) }
      await late?()
    } catch {
      retryLater(error)
    }
  }

  /// A full disk, for example: what waits stays unknown until then.
  private func retryLater(_ failure: WireFailure) {
    let isNews = state.withLock { state in
      defer { state.isFailing = true }
      return !state.isFailing
    }
    guard isNews else { return }
    logger.warning(
      "cannot keep which network shares belong to; trying again", metadata: ["error": "\(failure.message)"])
    Task { [weak self, sleep] in
      while self?.state.withLock({ $0.isFailing }) == true {
        try? await sleep(Self.retryDelay)
        await self?.settleAgain()
      }
    }
  }
}
