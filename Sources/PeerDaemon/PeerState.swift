// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import Glibc
import LineTransport
import Logging
import PeerIdentity
import Synchronization
package import WireProtocol

/// The contents of a peer's state directory.
struct PeerState: Sendable {
  let transport: TransportIdentity
  let catalogue: Catalogue
  let selection: IndexSelection
  let indexes: KnownIndexes
  /// The network to which it belonged in its last run.
  let network: StoredNetwork
  /// Where its index reported it in its last run, if that is still right.
  let ownAddress: OwnAddress?
  /// Whether the catalogue was missing or empty although the peer has its key: it was lost, or the key was restored.
  let cameBackEmpty: Bool

  var id: PeerID { transport.id }

  /// What its user should know.
  var notices: [PathProblem] {
    var notices = catalogue.putAside.map { path in
      let isLost = catalogue.rescue?.aside == path && catalogue.rescue?.shares == 0
      return PathProblem(
        path: path,
        message: isLost
          ? "the catalogue was damaged and no share could be read. Add again what you shared: p2pctl add FILE. Then "
            + "move the damaged one elsewhere"
          : "the catalogue was damaged; what could be read was taken over. Compare p2pctl list --mine with what you "
            + "shared, add what is missing, then move the damaged one elsewhere")
    }
    if cameBackEmpty {
      notices.append(
        PathProblem(
          path: catalogue.path,
          message: "the catalogue was missing or empty at the last start. Add again what you shared: p2pctl add FILE"))
    }
    return notices
  }

  /// Opens the state, creating what is missing, and removes unfinished downloads. Blocks.
  static func open(
    _ directory: String, index: Endpoint, isOwnIndex: Bool = false, forgetsConnect: Bool = false, logger: Logger,
    catalogueDamaged: @escaping @Sendable () -> Void
  ) throws(PeerStartError) -> PeerState {
    guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
      throw PeerStartError(state: directory, errno: errno)
    }
    let isNewPeer = access("\(directory)/key.pem", F_OK) != 0
    let transport = try transport(key: "\(directory)/key.pem")
    do throws(StoreError) {
      let hadCatalogue = Catalogue.exists(in: directory)
      let catalogue = try Catalogue(directory: directory, damaged: catalogueDamaged)
      let cameBackEmpty = !isNewPeer && !hadCatalogue
      if cameBackEmpty {
        logger.warning(
          "the catalogue was missing or empty: add again what this peer shared", metadata: ["state": "\(directory)"])
      }
      if let rescue = catalogue.rescue {
        logger.error(
          "catalogue damaged: what could be read was taken over; add what is missing",
          metadata: ["documents": "\(rescue.shares.map(String.init) ?? "?")", "damaged": "\(rescue.aside)"])
      }
      let removed = try catalogue.removeLeftovers()
      if !removed.isEmpty { logger.info("removed unfinished downloads", metadata: ["count": "\(removed.count)"]) }
      let indexes = try KnownIndexes(catalogue: catalogue)
      let selection = try IndexSelection(settings: index, isOwn: isOwnIndex, catalogue: catalogue, known: indexes)
      if forgetsConnect { try selection.choose(nil) }
      try catalogue.beginHomes(isOwn: isOwnIndex)
      return PeerState(
        transport: transport, catalogue: catalogue, selection: selection, indexes: indexes,
        network: try StoredNetwork.read(from: catalogue),
        ownAddress: try OwnAddress.likely(at: selection.current.address, in: catalogue),
        cameBackEmpty: cameBackEmpty)
    } catch {
      throw PeerStartError(error)
    }
  }

  private static func transport(key path: String) throws(PeerStartError) -> TransportIdentity {
    do {
      return try TransportIdentity(PeerIdentity.loadOrCreate(at: path))
    } catch {
      throw PeerStartError("\(error)")
    }
  }
}

/// The index that this peer uses: the one of its settings, or the one that the user chose, which persists.
package final class IndexSelection: Sendable {
  /// Name of the choice in the catalogue.
  private static let setting = "index"

  private struct State {
    var settings: Endpoint
    /// Whether the index of the settings is that of the own supervisor.
    var isOwn: Bool
    var chosen: Endpoint?
    var order = ChoiceOrder()
    /// Ends what the last request has begun.
    var end: (@Sendable () -> Void)?
  }

  private let catalogue: Catalogue
  private let known: KnownIndexes
  private let state: Mutex<State>
  /// Held while a choice is written, so that an earlier one does not replace a later one.
  private let writing = Mutex(())

  /// Blocks.
  package init(
    settings: Endpoint, isOwn: Bool = false, catalogue: Catalogue, known: KnownIndexes
  ) throws(StoreError) {
    self.catalogue = catalogue
    self.known = known
    // Ignores a value of another version that this one cannot parse.
    let chosen = try catalogue.setting(Self.setting).flatMap { try? Endpoint($0) }
    state = Mutex(State(settings: settings, isOwn: isOwn, chosen: chosen))
  }

  package var current: (address: Endpoint, source: IndexState.Source) {
    state.withLock { state in state.chosen.map { ($0, .connect) } ?? (state.settings, .settings) }
  }

  /// A request for another index begins, and ends those that came earlier.
  /// - Parameter end: called when a later one begins.
  package func begin(ending end: (@Sendable () -> Void)? = nil) -> ChoiceOrder.Turn {
    let (turn, earlier) = state.withLock { state in
      let earlier = state.end
      state.end = end
      return (state.order.begin(), earlier)
    }
    earlier?()
    return turn
  }

  /// Whether no later request has begun.
  package func counts(_ turn: ChoiceOrder.Turn) -> Bool { state.withLock { $0.order.counts(turn) } }

  /// Durable on return. Blocks.
  /// - Parameters:
  ///   - address: `nil` goes back to the settings.
  ///   - turn: of the request; `nil` before there are any.
  /// - Returns: false if a later request has begun: nothing has changed then.
  @discardableResult
  package func choose(_ address: Endpoint?, in turn: ChoiceOrder.Turn? = nil) throws(StoreError) -> Bool {
    let result = writing.withLock { _ -> Result<Bool, StoreError> in
      guard turn.map(counts) ?? true else { return .success(false) }
      do throws(StoreError) {
        try catalogue.set(Self.setting, to: address?.description)
        state.withLock { $0.chosen = address }
        return .success(true)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Replaces the settings.
  package func reload(settings address: Endpoint, isOwn: Bool = false) {
    state.withLock { ($0.settings, $0.isOwn) = (address, isOwn) }
  }

  /// Whether the index there is that of the own supervisor.
  func isOwn(_ address: Endpoint) -> Bool { state.withLock { $0.isOwn && $0.settings == address } }

  /// Where an index is. That of the own supervisor is the same wherever it listens, and one whose id is known wherever it
  /// proves that: another one that stands at its address is not meant.
  package func place(of address: Endpoint) -> IndexPlace {
    if isOwn(address) { return IndexPlace("own") }
    return IndexPlace(known.id(at: address).map { "id \($0)" } ?? address.description)
  }

  /// For which places the index at an address stands, now that it has been reached: its id may not have been known before.
  func places(of address: Endpoint) -> [IndexPlace] {
    isOwn(address) ? [place(of: address)] : [place(of: address), IndexPlace(address.description)]
  }
}
