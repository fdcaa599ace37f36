// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Logging
import NIOPosix
import Synchronization
import WireProtocol

/// Brings what is shared into the network to which it belongs, as soon as an index has said which one it has: before
/// anything is announced there.
final class NetworkHomes: Sendable {
  private struct State {
    /// What was done last.
    var settled: (place: IndexPlace, network: Home)?
    /// The index that has been reached last.
    var arrival: (address: Endpoint, network: Home)?
    /// The owner has closed the open network of this machine.
    var closed: (@Sendable (Home) async -> Void)?
  }

  private let catalogue: Catalogue
  private let selection: IndexSelection
  private let pool: NIOThreadPool
  private let logger: Logger
  private let state = Mutex(State())

  init(catalogue: Catalogue, selection: IndexSelection, pool: NIOThreadPool, logger: Logger) {
    self.catalogue = catalogue
    self.selection = selection
    self.pool = pool
    self.logger = logger
  }

  /// - Parameter body: called when open networks have become a closed one.
  func onClosed(_ body: @escaping @Sendable (Home) async -> Void) {
    state.withLock { $0.closed = body }
  }

  /// As `IndexLink.Arrived`.
  func arrived(at address: Endpoint, in network: Home) -> (@Sendable () async -> Void)? {
    switch network {
    case .open, .closed: break
    // It waits on.
    case .awaited, .nowhere: return nil
    }
    let (place, isOwn) = selection.place(of: address)
    let isSettled = state.withLock { state in
      state.arrival = (address, network)
      return state.settled.map { $0 == (place, network) } ?? false
    }
    guard !isSettled else { return nil }
    return { await self.settle(place, isOwn: isOwn, in: network) }
  }

  /// Something was shared while its index was awaited, which may have been reached meanwhile.
  func sharedForAwaited() async {
    guard let (address, network) = state.withLock({ $0.arrival }) else { return }
    let (place, isOwn) = selection.place(of: address)
    await settle(place, isOwn: isOwn, in: network)
  }

  private func settle(_ place: IndexPlace, isOwn: Bool, in network: Home) async {
    do throws(WireFailure) {
      let hasClosed = try await pool.store { [catalogue] () throws(StoreError) in
        try catalogue.settleHomes(at: place, isOwn: isOwn, in: network)
      }
      let closed = state.withLock { state in
        state.settled = (place, network)
        return state.closed
      }
      if hasClosed { await closed?(network) }
    } catch {
      logger.warning("cannot keep which network shares belong to", metadata: ["error": "\(error.message)"])
    }
  }
}
