// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import Logging
import PeerIdentity

/// What a peer finds in its state directory when it starts.
struct PeerState: Sendable {
  let id: PeerID
  let catalogue: Catalogue
  let selection: IndexSelection

  /// Opens or makes all of it, and removes what an unfinished download left behind. Blocks.
  static func open(
    _ directory: String, index: Endpoint, logger: Logger, catalogueDamaged: @escaping @Sendable () -> Void
  ) throws(PeerStartError) -> PeerState {
    guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
      throw PeerStartError(state: directory, errno: errno)
    }
    let identity: PeerIdentity
    do throws(IdentityError) {
      identity = try PeerIdentity.loadOrCreate(at: "\(directory)/key.pem")
    } catch {
      throw PeerStartError(error)
    }
    do throws(StoreError) {
      let catalogue = try Catalogue(directory: directory, damaged: catalogueDamaged)
      if let broken = catalogue.movedAside {
        logger.error(
          "the catalogue was broken: what was shared is to be added again", metadata: ["moved to": "\(broken)"])
      }
      let removed = try catalogue.removeLeftovers()
      if !removed.isEmpty { logger.info("removed unfinished downloads", metadata: ["count": "\(removed.count)"]) }
      let selection = try IndexSelection(settings: index, catalogue: catalogue)
      return PeerState(id: identity.id, catalogue: catalogue, selection: selection)
    } catch {
      throw PeerStartError(error)
    }
  }
}
