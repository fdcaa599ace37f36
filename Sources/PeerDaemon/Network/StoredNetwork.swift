// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Logging
import NIOPosix
import Synchronization
import WireProtocol

extension StoredNetwork {
  /// Blocks.
  static func read(from catalogue: Catalogue) throws(StoreError) -> StoredNetwork {
    StoredNetwork(text: try catalogue.setting(Catalogue.networkSetting))
  }

  /// Durable on return. Blocks.
  func write(to catalogue: Catalogue) throws(StoreError) {
    try catalogue.set(Catalogue.networkSetting, to: text)
  }
}

extension PassKeeper {
  /// Keeps what it learns in the catalogue.
  static func keeping(
    _ stored: StoredNetwork, in catalogue: Catalogue, grace: Int64, pool: NIOThreadPool, _ logger: Logger
  ) -> PassKeeper {
    let last = Mutex(stored)
    // Held while it is written, so that an older one does not replace a newer one.
    let writing = Mutex(())
    let store = { @Sendable (network: StoredNetwork) in
      last.withLock { $0 = network }
      pool.submit { state in
        guard case .active = state else { return }
        let failure = writing.withLock { _ -> StoreError? in
          do throws(StoreError) {
            try last.withLock { $0 }.write(to: catalogue)
            return nil
          } catch {
            return error
          }
        }
        if let failure { logger.warning("cannot keep the network of the index", metadata: ["error": "\(failure)"]) }
      }
    }
    return PassKeeper(stored, grace: grace, store: store)
  }
}
