// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOPosix

/// The threads for what blocks: event loops must not.
struct PeerThreads: Sendable {
  /// For what waits for the disk: catalogue, uploads, downloads.
  let quick = NIOThreadPool(numberOfThreads: 8)
  /// For what may take hours: each runs one `add`, with as many workers as there are processors.
  let long = NIOThreadPool(numberOfThreads: 2)

  init() {
    quick.start()
    long.start()
  }

  func open(
    _ settings: PeerDaemon.Settings, _ logger: Logger, _ catalogueDamaged: @escaping @Sendable () -> Void
  ) async throws(PeerStartError) -> PeerState {
    do {
      return try await quick.runIfActive {
        try PeerState.open(
          settings.state, index: settings.index, logger: logger, catalogueDamaged: catalogueDamaged)
      }
    } catch let error as PeerStartError {
      throw error
    } catch {
      throw PeerStartError("\(error)")
    }
  }

  func stop() async {
    try? await quick.shutdownGracefully()
    try? await long.shutdownGracefully()
  }
}
