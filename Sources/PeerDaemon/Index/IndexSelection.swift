// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import NIOPosix
import Synchronization
package import WireProtocol

/// Which index this peer uses: the one of its settings, or the one that its user chose, which is kept.
package final class IndexSelection: Sendable {
  /// Where the choice is kept in the catalogue.
  private static let setting = "index"

  private struct State {
    var settings: Endpoint
    var chosen: Endpoint?
  }

  private let catalogue: Catalogue
  private let state: Mutex<State>

  /// Blocks.
  package init(settings: Endpoint, catalogue: Catalogue) throws(StoreError) {
    self.catalogue = catalogue
    // What an older version may have kept and this one cannot read is no choice.
    let chosen = try catalogue.setting(Self.setting).flatMap { try? Endpoint($0) }
    state = Mutex(State(settings: settings, chosen: chosen))
  }

  package var current: (address: Endpoint, source: IndexState.Source) {
    state.withLock { state in state.chosen.map { ($0, .connect) } ?? (state.settings, .settings) }
  }

  /// `nil` goes back to the settings. Durable on return. Blocks.
  package func choose(_ address: Endpoint?) throws(StoreError) {
    try catalogue.set(Self.setting, to: address?.description)
    state.withLock { $0.chosen = address }
  }

  /// Other settings hold from now on.
  package func reload(settings address: Endpoint) {
    state.withLock { $0.settings = address }
  }
}
